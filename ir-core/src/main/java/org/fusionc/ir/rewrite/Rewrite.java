package org.fusionc.ir.rewrite;

import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/**
 * What an op becomes, as a {@code switch} over record patterns:
 *
 * <pre>{@code
 * Rewrite doubleNegation = (op, b) -> switch (op) {
 *   case Neg(Neg(var x, _), _) -> x;
 *   default -> null;
 * };
 * }</pre>
 *
 * <p>The replacement must be equal in value, up to rounding, and equal in type. It is a pure
 * function of the op and of what {@code b} answers; ops that it builds and does not return a use of
 * vanish.
 */
@FunctionalInterface
public interface Rewrite {
  /**
   * @param op an op whose operands are rewritten already
   * @param b builds ops, tells uses, and takes notes for {@code fusionc explain}
   * @return the value that replaces the op; for an op with several results another such op, or
   *     {@link Rewriting#several}; null to leave it
   */
  @Nullable Value apply(Op op, Rewriting b);
}
