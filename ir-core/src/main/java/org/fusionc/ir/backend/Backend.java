package org.fusionc.ir.backend;

import java.util.Optional;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;

/**
 * Turns functions into something that runs. Implementations are services of {@link
 * java.util.ServiceLoader}.
 */
public interface Backend {
  /**
   * How to compile.
   *
   * @param threads compute threads; at least 1
   * @param pages pages of the KV cache to provide for, per layer
   * @param pageTokens positions per page
   */
  record Options(int threads, int pages, int pageTokens) {}

  /** What people call it: {@code cpu}, {@code interp}. */
  String name();

  /**
   * The device that it computes on here, as a plan writes it: {@code cpu<avx512>}. On two devices
   * of one kind a function gives the same bits.
   */
  default String kind() {
    return name();
  }

  /** Whether and how this backend runs the op. Total: it answers for every op there is. */
  Support supports(Op op);

  /** How the weights of products lie for its kernels; empty if they read rows. */
  default Optional<PackedLayout> layout() {
    return Optional.empty();
  }

  /**
   * Rewrites the named function, and what its weights need, into ops that this backend supports.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming the op that has no supported form
   */
  Module legalize(Module module, String function);

  /**
   * Compiles a legalised function and loads its weights, computing those that are computed.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if an op is not supported or a weight
   *     fails
   */
  Executable compile(Module module, String function, WeightLoader weights, Options options);

  /**
   * Measures what the device can do at most, in about a second.
   *
   * @param threads that compute
   * @return empty if this backend has no way to tell
   */
  default Optional<Peak> peak(int threads) {
    return Optional.empty();
  }
}
