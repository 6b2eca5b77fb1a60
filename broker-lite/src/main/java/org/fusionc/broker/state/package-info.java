/**
 * What the broker knows, as immutable records, and the pure functions that say what follows from
 * it: who holds which stage, and what each peer is ordered to hold.
 */
@NullMarked
package org.fusionc.broker.state;

import org.jspecify.annotations.NullMarked;
