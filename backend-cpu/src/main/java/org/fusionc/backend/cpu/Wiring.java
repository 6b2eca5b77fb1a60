package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.RopeTable;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;

/** What a kernel's factory may ask of the program under construction. */
interface Wiring {
  /** The number of a value: where the run keeps its memory. */
  int of(Value value);

  /**
   * As {@link #of}, converted to f32 at load time if the value is constant and has another dtype.
   */
  int f32(Value value);

  /** As {@link #f32}, and -1 for an absent operand. */
  int f32OrNone(@org.jspecify.annotations.Nullable Value value);

  /** The bytes of a value that is known at load time. */
  MemorySegment constant(Value value);

  /** Packs a weight's bytes for a kernel, in memory that lives as long as the program. */
  @FunctionalInterface
  interface Packer {
    PackedLinear pack(ComputePool pool, MemorySegment bytes, Arena arena);
  }

  /** A weight as a kernel in machine code wants it; packed once, however many ops use it. */
  PackedLinear packed(Weight weight, Packer packer);

  /** The cosines and sines of a rotation; one table, however many ops use it. */
  RopeTable ropeTable(RopeTable.Key key);

  /** The number of result {@code index} of an op that has several. */
  int result(Value op, int index);

  /** A value's worth of working memory, of the same type, for this step alone. */
  int scratch(Value like);
}
