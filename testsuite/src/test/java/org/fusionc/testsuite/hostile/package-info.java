/**
 * Hostile input on every port of real servers: it is refused with a reason in the log, the server
 * goes on answering others, and its memory stays bounded.
 */
@NullMarked
package org.fusionc.testsuite.hostile;

import org.jspecify.annotations.NullMarked;
