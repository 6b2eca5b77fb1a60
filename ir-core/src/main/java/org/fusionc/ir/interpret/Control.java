package org.fusionc.ir.interpret;

import java.util.List;
import org.fusionc.ir.op.Fused;
import org.fusionc.ir.op.If;

/** Ops that run bodies. */
final class Control {
  private Control() {}

  static void register(Evaluators e) {
    e.on(
        If.SCHEMA,
        If.class,
        (op, f) ->
            result(
                f.run(f.array(op.condition()).truth(0) ? op.then() : op.else_(), op.arguments())));
    e.on(Fused.SCHEMA, Fused.class, (op, f) -> result(f.run(op.body(), op.inputs())));
  }

  private static Datum result(List<Datum> results) {
    return results.size() == 1 ? results.getFirst() : new Datum.Several(results);
  }
}
