package org.fusionc.ir.pass;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Passes in order, with options. {@link #toString} is the text that {@link #parse} reads.
 *
 * @param steps in the order in which they run
 */
public record Pipeline(List<Step> steps) {
  /**
   * @param options the options given, each of its declared type, in the order given
   */
  public record Step(Pass pass, Map<String, Object> options) {
    @Override
    public String toString() {
      return options.isEmpty()
          ? pass.name()
          : pass.name()
              + options.entrySet().stream()
                  .map(e -> e.getKey() + "=" + spelled(e.getValue()))
                  .collect(Collectors.joining(",", "{", "}"));
    }

    private static String spelled(Object value) {
      return value instanceof String text
          ? '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"'
          : value.toString();
    }
  }

  public Pipeline {
    steps = List.copyOf(steps);
  }

  /**
   * Reads {@code canonicalize,fuse-add-rms-norm{max=3,trace},dce}. White space is free; an empty
   * text is an empty pipeline; a flag without a value is true; a text value may stand in double
   * quotes.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException with line and column, what was expected,
   *     and the nearest known name
   */
  public static Pipeline parse(String text, PassRegistry registry) {
    return new PipelineParser(text, registry).parse();
  }

  /** The steps from {@code index} on. */
  public Pipeline from(int index) {
    return new Pipeline(steps.subList(index, steps.size()));
  }

  @Override
  public String toString() {
    return steps.stream().map(Step::toString).collect(Collectors.joining(","));
  }
}
