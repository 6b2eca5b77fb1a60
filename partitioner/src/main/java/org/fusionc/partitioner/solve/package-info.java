/**
 * The search for the best cuts: exact over the cut positions for a given order of devices, exact
 * over orders and subsets while that is small enough, and local search with a proven bound beyond.
 */
@NullMarked
package org.fusionc.partitioner.solve;

import org.jspecify.annotations.NullMarked;
