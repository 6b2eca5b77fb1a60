package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;

/** Softmax of rows in machine code. */
public final class RowSoftmax {
  /** Elements per task. */
  private static final int TASK = 8 * 1024;

  private final Target target;
  private final MachineCode kernel;

  public RowSoftmax(Target target) {
    this.target = target;
    kernel = Kernels.of(new SoftmaxRow(target));
  }

  /**
   * {@code y = e^(x - max x) / Σ e^(x - max x)}, row by row; y may be x's memory.
   *
   * @param x f32 [rows, width]
   * @param y f32 [rows, width]
   */
  public void run(ComputePool pool, MemorySegment x, MemorySegment y, int rows, int width) {
    long size = (long) rows * width;
    long in = Operand.input("x", x, size);
    long out = Operand.output("y", y, size);
    if (size == 0) {
      return;
    }
    pool.parallelFor(
        rows,
        Math.max(1, TASK / width),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            long at = row * width * Float.BYTES;
            row(in + at, out + at, width);
          }
        });
  }

  private void row(long x, long y, int width) {
    int vectors = width / target.lanes();
    int rest = width - vectors * target.lanes();
    long done = (long) vectors * target.vector();
    long tail = Scratch.reserve(target.vector());
    for (int i = rest; i < target.lanes(); i++) {
      RaggedEdges.ALL.set(
          ValueLayout.JAVA_FLOAT, tail + (long) i * Float.BYTES, Float.NEGATIVE_INFINITY);
    }
    MemorySegment.copy(RaggedEdges.ALL, x + done, RaggedEdges.ALL, tail, (long) rest * Float.BYTES);
    SoftmaxRow.run(kernel, x, y, vectors, tail);
    MemorySegment.copy(RaggedEdges.ALL, tail, RaggedEdges.ALL, y + done, (long) rest * Float.BYTES);
  }
}
