package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.ir.DType;

/** Weights of numbers below each other. */
record JoinedRows(List<WeightRows> parts) implements WeightRows {
  @Override
  public DType dtype() {
    return parts.getFirst().dtype();
  }

  @Override
  public long rows() {
    return parts.stream().mapToLong(WeightRows::rows).sum();
  }

  @Override
  public int columns() {
    return parts.getFirst().columns();
  }

  @Override
  public MemorySegment read(long from, int count, SegmentAllocator scratch) {
    long start = 0;
    MemorySegment all = MemorySegment.NULL;
    for (var part : parts) {
      long first = Math.max(from, start);
      long end = Math.min(from + count, start + part.rows());
      if (first < end) {
        var some = part.read(first - start, Math.toIntExact(end - first), scratch);
        if (end - first == count) {
          return some;
        }
        all = all.equals(MemorySegment.NULL) ? scratch.allocate(bytes(count), 64) : all;
        MemorySegment.copy(some, 0, all, (first - from) * rowBytes(), some.byteSize());
      }
      start += part.rows();
    }
    return all;
  }

  @Override
  public void done(long from, long to) {
    long start = 0;
    for (var part : parts) {
      long first = Math.max(from, start);
      long end = Math.min(to, start + part.rows());
      if (first < end) {
        part.done(first - start, end - start);
      }
      start += part.rows();
    }
  }
}
