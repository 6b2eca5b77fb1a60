/**
 * What there is to run on: devices with their memory and speeds, and the links between their
 * machines, read from a {@code cluster.yaml} or from the lines of a plan.
 */
@NullMarked
package org.fusionc.partitioner.cluster;

import org.jspecify.annotations.NullMarked;
