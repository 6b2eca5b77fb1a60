package org.fusionc.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One entry of the op table, as read; the generator and the reference page are written from it. */
final class OpEntry {
  /**
   * An operand: {@code arity} is {@code ""}, {@code "?"} (optional) or {@code "..."} (variadic).
   */
  record Operand(String name, String arity, OpTableParser.PatternContext pattern) {}

  /** An attribute; {@code defaultText} is null when the attribute must be given. */
  record Attribute(String name, String type, List<String> choices, @Nullable String defaultText) {}

  record Result(String name, OpTableParser.PatternContext pattern) {}

  record Check(String text, String hook) {}

  final String name;
  final String level;
  final String since;
  final List<Operand> operands = new ArrayList<>();
  final List<Attribute> attributes = new ArrayList<>();
  final List<Result> results = new ArrayList<>();
  final List<Check> checks = new ArrayList<>();
  final List<String> traits = new ArrayList<>();
  final Map<String, List<String>> dtypes = new TreeMap<>();
  String summary = "";
  String formula = "";
  String source = "";
  boolean stated;
  @Nullable String resultHook;

  private OpEntry(String name, String level, String since) {
    this.name = name;
    this.level = level;
    this.since = since;
  }

  static OpEntry read(OpTableParser.EntryContext context) {
    var entry =
        new OpEntry(
            context.op.getText(), context.level.getText(), unquote(context.since.getText()));
    for (var clause : context.clause()) {
      switch (clause) {
        case OpTableParser.SummaryContext c -> entry.summary = join(c.STRING(), " ");
        case OpTableParser.OperandContext c ->
            entry.operands.add(
                new Operand(
                    c.name().getText(), c.arity() == null ? "" : c.arity().getText(), c.pattern()));
        case OpTableParser.AttributeContext c ->
            entry.attributes.add(
                new Attribute(
                    c.name().getText(),
                    c.attributeType().getText(),
                    c.choices() == null
                        ? List.of()
                        : c.choices().STRING().stream().map(s -> unquote(s.getText())).toList(),
                    c.literal() == null ? null : c.literal().getText()));
        case OpTableParser.ResultContext c ->
            entry.results.add(new Result(c.name() == null ? "" : c.name().getText(), c.pattern()));
        case OpTableParser.StatedResultContext c -> entry.stated = true;
        case OpTableParser.ComputedResultContext c -> entry.resultHook = c.name().getText();
        case OpTableParser.WhereContext c -> {
          for (var set : c.dtypeSet()) {
            entry.dtypes.put(
                set.ID().getText(), set.dtypeName().stream().map(d -> d.getText()).toList());
          }
        }
        case OpTableParser.CheckContext c ->
            entry.checks.add(new Check(join(c.STRING(), " "), c.name().getText()));
        case OpTableParser.TraitsContext c -> c.ID().forEach(id -> entry.traits.add(id.getText()));
        case OpTableParser.FormulaContext c -> entry.formula = join(c.STRING(), "\n");
        case OpTableParser.SourceContext c -> entry.source = unquote(c.STRING().getText());
        default -> throw new IllegalStateException("unknown clause: " + clause.getText());
      }
    }
    return entry;
  }

  /** {@code rms_norm} becomes {@code RmsNorm}. */
  String className() {
    var text = new StringBuilder();
    for (var word : name.split("_")) {
      text.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    }
    return text.toString();
  }

  /** {@code rms_norm} becomes {@code rmsNorm}; Java's own words get a trailing underscore. */
  static String camel(String name) {
    var text = new StringBuilder();
    for (var word : name.split("_")) {
      text.append(
          text.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return javax.lang.model.SourceVersion.isKeyword(text) ? text + "_" : text.toString();
  }

  private static String join(
      List<? extends org.antlr.v4.runtime.tree.ParseTree> strings, String separator) {
    return String.join(separator, strings.stream().map(s -> unquote(s.getText())).toList());
  }

  static String unquote(String text) {
    return text.substring(1, text.length() - 1);
  }
}
