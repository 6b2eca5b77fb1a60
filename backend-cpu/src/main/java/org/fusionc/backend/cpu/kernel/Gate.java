package org.fusionc.backend.cpu.kernel;

/** How the two halves of a gated feed-forward meet: {@code activation(gate) · up}. */
@FunctionalInterface
public interface Gate {
  /**
   * {@code y[i] = activation(gate[i]) · up[i]} by addresses, on the calling thread. May use what
   * {@link Scratch#reserve} gives; y may be one of the others.
   *
   * @param gate f32 [count]
   * @param up f32 [count]
   * @param y f32 [count]
   */
  void run(long gate, long up, long y, long count);
}
