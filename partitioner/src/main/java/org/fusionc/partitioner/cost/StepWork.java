package org.fusionc.partitioner.cost;

/**
 * What the ops of a chain do in one {@link Step}.
 *
 * @param flops floating-point operations, by op
 * @param bytes read and written in the device's memory, by op: weights, KV cache, activations
 * @param crossing bytes of the values alive between op {@code i - 1} and op {@code i}, by {@code
 *     i}; one more than there are ops, zero at both ends
 * @param live bytes of activations alive while op {@code i} runs, by {@code i}
 */
public record StepWork(double[] flops, double[] bytes, double[] crossing, double[] live) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
