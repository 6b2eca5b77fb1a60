package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;

/**
 * Gated linear units in machine code. What is left after the last whole vector goes through the
 * same code, padded, so the bits of an element do not depend on its place.
 */
public final class GatedUnits {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  @SuppressWarnings("restricted") // sizes are checked before addresses are used
  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** Which function of the gate multiplies the other operand. */
  public enum Kind {
    /** {@code x · sigmoid(x)}. */
    SWIGLU,
    /** GELU, approximated by the hyperbolic tangent. */
    GEGLU_TANH
  }

  private final Target target;
  private final MachineCode kernel;

  public GatedUnits(Target target, Kind kind) {
    this.target = target;
    kernel = Kernels.of(new GatedRow(target, kind == Kind.GEGLU_TANH));
  }

  /**
   * {@code y[i] = f(gate[i]) · up[i]}; y may be one of them.
   *
   * @param gate f32 [count]
   * @param up f32 [count]
   * @param y f32 [count]
   */
  public void run(
      ComputePool pool, MemorySegment gate, MemorySegment up, MemorySegment y, long count) {
    Linears.check("gate", gate, count);
    Linears.check("up", up, count);
    Linears.check("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (from, to) -> {
          long at = from * Float.BYTES;
          span(gate.address() + at, up.address() + at, y.address() + at, to - from);
        });
  }

  /**
   * {@code y[i, j] = f(x[i, j]) · x[i, half + j]}.
   *
   * @param x f32 [rows, 2 · half]
   * @param y f32 [rows, half]
   */
  public void packed(ComputePool pool, MemorySegment x, MemorySegment y, long rows, int half) {
    Linears.check("x", x, Math.multiplyExact(rows, 2L * half));
    Linears.check("y", y, Math.multiplyExact(rows, half));
    if (half == 0) {
      return;
    }
    long parts = Math.ceilDiv(half, TASK);
    long bytes = (long) half * Float.BYTES;
    pool.parallelFor(
        rows * parts,
        Math.max(1, TASK / half),
        (from, to) -> {
          for (long task = from; task < to; task++) {
            long row = task / parts;
            long first = task % parts * TASK;
            long at = first * Float.BYTES;
            long gate = x.address() + row * 2 * bytes + at;
            long count = Math.min(TASK, half - first);
            span(gate, gate + bytes, y.address() + row * bytes + at, count);
          }
        });
  }

  private void span(long gate, long up, long y, long count) {
    long vectors = count / target.lanes();
    if (vectors > 0) {
      GatedRow.run(kernel, gate, up, y, vectors);
    }
    long done = vectors * target.vector();
    long rest = count * Float.BYTES - done;
    if (rest > 0) {
      long padded = Scratch.reserve(2L * target.vector());
      long other = padded + target.vector();
      ALL.asSlice(padded, 2L * target.vector()).fill((byte) 0);
      MemorySegment.copy(ALL, gate + done, ALL, padded, rest);
      MemorySegment.copy(ALL, up + done, ALL, other, rest);
      GatedRow.run(kernel, padded, other, padded, 1);
      MemorySegment.copy(ALL, padded, ALL, y + done, rest);
    }
  }
}
