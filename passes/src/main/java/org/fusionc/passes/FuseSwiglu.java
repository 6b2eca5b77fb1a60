package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Swiglu;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fuse-swiglu}: swiglu(x[…, :n], x[…, n:2n]) → packed_swiglu(x), and the same with geglu.
 * The halves of a merged gate|up projection are never copied out.
 */
public final class FuseSwiglu extends RewritePass {
  public FuseSwiglu() {
    super("fuse-swiglu", "Gate the two halves of a merged projection without copying them.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(
        new Rule("fuse-swiglu", FuseSwiglu::swiglu), new Rule("fuse-geglu", FuseSwiglu::geglu));
  }

  private static @Nullable Value swiglu(Op op, Rewriting b) {
    return switch (op) {
      case Swiglu(Slice gate, Slice up, _) ->
          areHalves(gate, up) ? b.packedSwiglu(gate.x()) : b.nearly(op, whyNot(gate, up));
      default -> null;
    };
  }

  private static @Nullable Value geglu(Op op, Rewriting b) {
    return switch (op) {
      case Geglu(Slice gate, Slice up, var approximate, _) ->
          areHalves(gate, up)
              ? b.packedGeglu(gate.x(), approximate)
              : b.nearly(op, whyNot(gate, up));
      default -> null;
    };
  }

  private static boolean areHalves(Slice gate, Slice up) {
    var type = gate.x().tensorType();
    int last = type.rank() - 1;
    return gate.x().equals(up.x())
        && (gate.axis() == last || gate.axis() == -1)
        && (up.axis() == last || up.axis() == -1)
        && gate.start() == 0
        && gate.end() == up.start()
        && gate.step() == 1
        && up.step() == 1
        && type.dim(-1).is(up.end())
        && up.end() == 2 * gate.end();
  }

  private static String whyNot(Slice gate, Slice up) {
    if (!gate.x().equals(up.x())) {
      return "gate and up are slices of different values";
    }
    return gate.start() > up.start() && gate.axis() == up.axis()
        ? "up comes before gate in what they are slices of"
        : "gate and up are not the two halves of the last dimension";
  }
}
