package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.x86.Pages;
import org.fusionc.ir.DType;

/** Rows that are in memory; those of a mapped file need not stay there. */
record StoredRows(MemorySegment data, DType dtype, long rows, int columns) implements WeightRows {
  StoredRows {
    long needed =
        switch (dtype) {
          case DType.Scalar scalar -> rows * columns * scalar.bytes();
          case DType.Quantized type ->
              new org.fusionc.ir.backend.QuantizedLayout(type, rows, columns).bytes();
        };
    if (data.byteSize() < needed) {
      throw new IllegalArgumentException(
          "w needs " + needed + " bytes, but its segment has " + data.byteSize());
    }
  }

  @Override
  public MemorySegment read(long from, int count, SegmentAllocator scratch) {
    if (dtype instanceof DType.Scalar) {
      return data.asSlice(from * rowBytes(), count * rowBytes());
    }
    var some = scratch.allocate(bytes(count), 64);
    RowParts.move(dtype, columns, count, data, rows, from, some, count, 0);
    return some;
  }

  @Override
  public void done(long from, long to) {
    if (!data.isMapped()) {
      return;
    }
    if (dtype instanceof DType.Quantized type) {
      // Scales are few; they go with the last rows.
      long bytes = new org.fusionc.ir.backend.QuantizedLayout(type, rows, columns).rowBytes();
      long end = to == rows ? data.byteSize() : to * bytes;
      Pages.forget(data.asSlice(from * bytes, end - from * bytes));
    } else {
      Pages.forget(data.asSlice(from * rowBytes(), (to - from) * rowBytes()));
    }
  }
}
