package org.fusionc.ir.backend;

import java.util.List;

/**
 * A compiled function with its weights and the KV cache pages of its layers. One run at a time; the
 * caller sees to that. Its memory is freed by {@link #close}.
 */
public interface Executable extends AutoCloseable {
  /**
   * Runs one ragged batch.
   *
   * @param batch stands for the function's {@code batch} parameter; the cache pages that it names
   *     are read and written
   * @param inputs the tensor parameters, in order; {@code batch} and state parameters are left out
   * @return the tensor results, in order, without state; valid until the next run
   */
  List<Tensor> run(Batch batch, List<Tensor> inputs);

  /** Bytes held for weights and cache. */
  long bytes();

  @Override
  void close();
}
