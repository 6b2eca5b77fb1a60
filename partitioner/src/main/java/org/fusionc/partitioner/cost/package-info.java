/**
 * What a function's ops cost: a {@link org.fusionc.partitioner.cost.Chain} lists them in order with
 * what they hold, compute and read, and a {@link org.fusionc.partitioner.cost.Costs} puts a number
 * of seconds on any range of them on any device of a cluster.
 */
@NullMarked
package org.fusionc.partitioner.cost;

import org.jspecify.annotations.NullMarked;
