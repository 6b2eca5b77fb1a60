/**
 * How processes of a cluster reach one another: addresses, and channels and servers that are plain
 * on loopback or secured by TLS with certificates on both sides.
 */
@NullMarked
package org.fusionc.runtime.net;

import org.jspecify.annotations.NullMarked;
