package org.fusionc.ir.plan;

import java.util.List;
import org.fusionc.ir.diagnostic.Spelling;

/** Prints a plan as FIR text, the form that the FIR parser reads back. */
public final class PlanPrinter {
  private PlanPrinter() {}

  /** The plan's text, ending in a newline. */
  public static String print(Plan plan) {
    var text = new StringBuilder("plan ").append(Spelling.symbol(plan.name()));
    if (!plan.objective().isEmpty()) {
      text.append(" objective ").append(plan.objective());
    }
    plan.bound().ifPresent(bound -> text.append(" bound ").append(Quantity.number(bound)));
    text.append(" {\n");
    if (!plan.expect().isEmpty()) {
      text.append("  ").append(line("expect", plan.expect())).append('\n');
    }
    for (var lines : List.of(plan.devices(), plan.links(), plan.stages(), plan.edges())) {
      for (var line : lines) {
        text.append("  ").append(line).append('\n');
      }
    }
    return text.append("}\n").toString();
  }

  static String line(String head, Attributes attributes) {
    return attributes.isEmpty() ? head : head + " " + attributes;
  }
}
