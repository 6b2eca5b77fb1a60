package org.fusionc.ir.rewrite;

import org.fusionc.ir.Function;
import org.fusionc.ir.Op;

/** Hears what rewriting does, and may end it. */
public interface RewriteListener {
  /** Hears nothing. */
  RewriteListener NONE = new RewriteListener() {};

  /** Whether the rule may fire once more; false leaves the rest of the program as it is. */
  default boolean mayFire(Rule rule) {
    return true;
  }

  /**
   * The rule replaced an op.
   *
   * @param op as it stands in {@code function}, before its operands were rewritten
   */
  default void fired(Rule rule, Function function, Op op) {}

  /** The rule would have replaced an op but for the reason; told once the rules are at rest. */
  default void nearly(Rule rule, Function function, Op op, String reason) {}
}
