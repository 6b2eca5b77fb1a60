package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.RopeTable;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.jspecify.annotations.Nullable;

/** What a kernel's factory may ask of the program under construction. */
interface Wiring {
  /** The number of a value: where the run keeps its memory. */
  int of(Value value);

  /**
   * As {@link #of}, converted to f32 at load time if the value is constant and has another dtype.
   */
  int f32(Value value);

  /** As {@link #f32}, and -1 for an absent operand. */
  int f32OrNone(@Nullable Value value);

  /** The bytes of a value that is known at load time. */
  MemorySegment constant(Value value);

  /**
   * A weight as kernels in machine code want it, in memory that lives as long as the program;
   * packed once, however many ops use it.
   *
   * @return of each of its matrices, which are its last two dimensions
   */
  List<PackedLinear> packed(Weight weight, Target target);

  /** The cosines and sines of a rotation; one table, however many ops use it. */
  RopeTable ropeTable(RopeTable.Key key);

  /** A table whose rows are picked, in packed form if it is kept in that; else null. */
  @Nullable PackedTable table(Value value);

  /** The number of result {@code index} of an op that has several. */
  int result(Value op, int index);

  /** Working memory for a value of that type, for this step alone. */
  int scratch(Type type);
}
