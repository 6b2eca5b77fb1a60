package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rule;

/**
 * {@code canonicalize}: one spelling for each thing, so that other passes need to know but one. The
 * equations stand in {@link Algebra}, {@link Casts} and {@link Shapes}.
 */
public final class Canonicalize extends RewritePass {
  public Canonicalize() {
    super("canonicalize", "Simplify algebra, casts and shapes to one spelling for each thing.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(
        new Rule("algebra", Algebra::apply),
        new Rule("casts", Casts::apply),
        new Rule("shapes", Shapes::apply));
  }
}
