package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rule;

/**
 * {@code raise}: LLM ops for what exporters spell out in tensor ops, on canonical input. The
 * equations stand in {@link RaiseActivations}, {@link RaiseNorms} and {@link RaiseLinear}; what
 * looks like one of them but is not, they explain.
 */
public final class Raise extends RewritePass {
  public Raise() {
    super("raise", "Recognise activations, norms and linears in what exporters spell out.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(
        new Rule("raise-linear", RaiseLinear::apply),
        new Rule("raise-norms", RaiseNorms::apply),
        new Rule("raise-activations", RaiseActivations::apply));
  }
}
