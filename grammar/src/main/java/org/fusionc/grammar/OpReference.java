package org.fusionc.grammar;

import java.util.List;

/** Writes the reference page of all ops from the table. */
final class OpReference {
  private OpReference() {}

  static String page(List<OpEntry> entries) {
    var page = new StringBuilder();
    page.append(
        "# FIR op reference\n\n"
            + "Generated from the op table (`ir-core/src/main/ops`); do not edit.\n");
    for (var level : List.of("tensor", "llm", "kernel")) {
      page.append("\n## ")
          .append(
              switch (level) {
                case "tensor" -> "Tensor ops";
                case "llm" -> "LLM ops";
                default -> "Kernel ops";
              })
          .append('\n');
      entries.stream().filter(e -> e.level.equals(level)).forEach(e -> entry(page, e));
    }
    return page.toString();
  }

  private static void entry(StringBuilder page, OpEntry entry) {
    page.append("\n### ").append(entry.name).append("\n\n").append(entry.summary).append("\n\n");
    if (!entry.formula.isEmpty()) {
      page.append("```\n").append(entry.formula).append("\n```\n\n");
    }
    int label = 0;
    for (var operand : entry.operands) {
      page.append("- (C").append(++label).append(") operand `").append(operand.name());
      page.append("` : `").append(source(operand.pattern())).append('`');
      page.append(
          switch (operand.arity()) {
            case "?" -> ", optional";
            case "..." -> ", any number";
            default -> "";
          });
      page.append('\n');
    }
    for (var attribute : entry.attributes) {
      page.append("- attribute `").append(attribute.name()).append("` : ").append(attribute.type());
      if (!attribute.choices().isEmpty()) {
        page.append(", one of ").append(String.join(", ", attribute.choices()));
      }
      page.append(
          attribute.defaultText() == null ? ", required" : ", default " + attribute.defaultText());
      page.append('\n');
    }
    for (var result : entry.results) {
      page.append("- (C").append(++label).append(") result ");
      page.append(result.name().isEmpty() ? "" : "`" + result.name() + "` ");
      page.append(": `").append(source(result.pattern())).append("`\n");
    }
    if (entry.stated) {
      page.append("- result: as stated at the end of the line\n");
    }
    if (entry.resultHook != null) {
      page.append("- (C").append(++label).append(") result: follows from the operands (");
      page.append(entry.resultHook.replace('_', ' ')).append(")\n");
    }
    entry.dtypes.forEach((variable, set) ->
        page.append("- where ")
            .append(variable)
            .append(" in ")
            .append(String.join(", ", set))
            .append('\n'));
    for (var check : entry.checks) {
      page.append("- (C").append(++label).append(") ").append(check.text()).append('\n');
    }
    if (!entry.traits.isEmpty()) {
      page.append("- traits: ").append(String.join(", ", entry.traits)).append('\n');
    }
    page.append("- since ").append(entry.since).append('\n');
    if (!entry.source.isEmpty()) {
      page.append("- source: ").append(entry.source).append('\n');
    }
  }

  private static String source(OpTableParser.PatternContext pattern) {
    return pattern.getText().replace(",", ", ");
  }
}
