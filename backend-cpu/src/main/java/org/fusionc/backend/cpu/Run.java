package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;

/** What the steps of one run see: the batch, and each value's memory and shape. */
final class Run {
  private final ComputePool pool;
  private final Layout layout;
  private final MemorySegment[] data;
  private final @Nullable KvPages[] caches;
  private final @Nullable Batch batch;

  Run(
      ComputePool pool,
      Layout layout,
      MemorySegment[] data,
      @Nullable KvPages[] caches,
      @Nullable Batch batch) {
    this.pool = pool;
    this.layout = layout;
    this.data = data;
    this.caches = caches;
    this.batch = batch;
  }

  ComputePool pool() {
    return pool;
  }

  Batch batch() {
    if (batch == null) {
      throw new IllegalStateException("a load-time function has no batch");
    }
    return batch;
  }

  /** The memory of a value: exactly its elements. */
  MemorySegment data(int value) {
    return data[value];
  }

  /** As {@link #data}; null for an operand that is absent, whose number is -1. */
  @Nullable MemorySegment dataOrNone(int value) {
    return value < 0 ? null : data[value];
  }

  /** The cache that a state value stands for. */
  KvPages cache(int value) {
    var cache = caches[value];
    if (cache == null) {
      throw new IllegalStateException("value " + value + " is no state");
    }
    return cache;
  }

  long[] shape(int value) {
    return layout.shape(value);
  }

  int elements(int value) {
    return Math.toIntExact(layout.elements(value));
  }

  /** The last dimension; 1 for a scalar. */
  int width(int value) {
    var shape = layout.shape(value);
    return shape.length == 0 ? 1 : Math.toIntExact(shape[shape.length - 1]);
  }

  /** The product of all dimensions but the last. */
  int rows(int value) {
    var shape = layout.shape(value);
    long rows = 1;
    for (int i = 0; i + 1 < shape.length; i++) {
      rows *= shape[i];
    }
    return Math.toIntExact(rows);
  }
}
