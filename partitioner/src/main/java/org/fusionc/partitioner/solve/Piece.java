package org.fusionc.partitioner.solve;

/**
 * A stage: ops {@code from} to {@code to - 1} run on a device.
 *
 * @param device index in the cluster
 */
public record Piece(int device, int from, int to) {}
