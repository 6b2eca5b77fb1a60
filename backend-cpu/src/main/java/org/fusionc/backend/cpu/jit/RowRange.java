package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.ir.DType;

/** Some of a weight's rows, as a weight. */
record RowRange(WeightRows of, long first, long rows) implements WeightRows {
  @Override
  public DType dtype() {
    return of.dtype();
  }

  @Override
  public int columns() {
    return of.columns();
  }

  @Override
  public MemorySegment read(long from, int count, SegmentAllocator scratch) {
    return of.read(first + from, count, scratch);
  }

  @Override
  public void done(long from, long to) {
    of.done(first + from, first + to);
  }
}
