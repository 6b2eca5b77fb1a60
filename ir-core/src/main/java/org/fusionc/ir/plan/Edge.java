package org.fusionc.ir.plan;

import java.util.List;
import java.util.stream.Collectors;
import org.fusionc.ir.diagnostic.Spelling;

/**
 * {@code edge stage 0 -> stage 1 carries %h13, %h14 { encode = f32, size = 16KiB/tok, decode =
 * 0.5ms }}: what one stage hands to the next. All of a plan's edges may be left out; they follow
 * from the stages.
 *
 * @param from a stage's index
 * @param to the index of the stage after it
 * @param values the values that cross, without the {@code %}, in the order in which they are
 *     defined
 */
public record Edge(int from, int to, List<String> values, Attributes attributes, Origin origin) {
  public Edge {
    values = List.copyOf(values);
  }

  /** Which edge it is, for messages: {@code edge stage 0 -> stage 1}. */
  public String title() {
    return "edge stage " + from + " -> stage " + to;
  }

  @Override
  public String toString() {
    return PlanPrinter.line(
        title()
            + (values.isEmpty()
                ? ""
                : values.stream()
                    .map(value -> Spelling.value(value))
                    .collect(Collectors.joining(", ", " carries ", ""))),
        attributes);
  }
}
