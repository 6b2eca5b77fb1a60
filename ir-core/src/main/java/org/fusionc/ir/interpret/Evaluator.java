package org.fusionc.ir.interpret;

import org.fusionc.ir.Op;

/** How one kind of op is computed from its operands' values, which {@code frame} has. */
@FunctionalInterface
interface Evaluator<O extends Op> {
  Datum evaluate(O op, Frame frame);
}
