package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import org.fusionc.ir.Value;

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

  /** The number of result {@code index} of an op that has several. */
  int result(Value op, int index);

  /** A value's worth of working memory, of the same type, for this step alone. */
  int scratch(Value like);
}
