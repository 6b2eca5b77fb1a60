package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.GroupPacking;
import org.fusionc.backend.cpu.kernel.QuantizedRows;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.QuantizedLayout;
import org.jspecify.annotations.Nullable;

/** Rows that are quantised when they are asked for. */
record QuantizedWeightRows(
    WeightRows numbers, FloatFormat format, DType.Quantized dtype, @Nullable GroupPacking packing)
    implements WeightRows {
  @Override
  public long rows() {
    return numbers.rows();
  }

  @Override
  public int columns() {
    return numbers.columns();
  }

  @Override
  public MemorySegment read(long from, int count, SegmentAllocator scratch) {
    var layout = new QuantizedLayout(dtype, count, columns());
    var to = scratch.allocate(layout.bytes(), 64);
    QuantizedRows.pack(numbers.read(from, count, scratch), format, to, layout, packing);
    return to;
  }

  @Override
  public void done(long from, long to) {
    numbers.done(from, to);
  }
}
