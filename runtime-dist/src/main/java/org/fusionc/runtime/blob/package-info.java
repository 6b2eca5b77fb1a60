/**
 * Blobs named by their SHA-256: kept in a directory, offered to others, and fetched from them. A
 * transfer that was cut off goes on where it ended, after a restart as well; nothing counts as here
 * before its digest was checked.
 */
@NullMarked
package org.fusionc.runtime.blob;

import org.jspecify.annotations.NullMarked;
