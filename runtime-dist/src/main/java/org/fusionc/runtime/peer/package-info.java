/**
 * The daemon that gives a machine to a cluster: it attends at the broker, says how fast the machine
 * and its links are, gets and compiles the segments that it is ordered to hold, and serves them.
 */
@NullMarked
package org.fusionc.runtime.peer;

import org.jspecify.annotations.NullMarked;
