package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.backend.cpu.x86.Pages;
import org.fusionc.ir.DType;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.WeightLoader;

/**
 * Rows that are stored packed for other kernels, unpacked when they are asked for: neither the
 * stored weight nor its rows are in memory as a whole.
 */
record UnpackedRows(Type.Tensor type, WeightLoader.Packed packed) implements WeightRows {
  @Override
  public DType dtype() {
    return type.dtype();
  }

  @Override
  public long rows() {
    return PackedLayout.rows(type);
  }

  @Override
  public int columns() {
    return Math.toIntExact(type.dim(-1).value());
  }

  @Override
  public MemorySegment read(long from, int count, SegmentAllocator scratch) {
    var some = scratch.allocate(bytes(count), 64);
    for (int i = 0; i < count; i++) {
      packed.layout().unpack(type, packed.data(), from + i, some, count, i);
    }
    return some;
  }

  /** A panel that still holds rows to be read stays. */
  @Override
  public void done(long from, long to) {
    if (packed.data().isMapped()) {
      long begin = packed.layout().panelAt(type, from);
      Pages.forget(packed.data().asSlice(begin, packed.layout().panelAt(type, to) - begin));
    }
  }
}
