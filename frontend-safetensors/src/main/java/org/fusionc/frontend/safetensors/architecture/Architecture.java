package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One row of the table: a family of models.
 *
 * @param name the family, which is the {@code model_type} of its config.json files
 * @param summary one line for a person
 * @param aliases other {@code model_type}s that are the same family
 * @param parent the row that this one is like; empty for the vocabulary itself
 * @param features by name, those of the parent included
 * @param tensors the tensors' names by weight, those of the parent included
 */
record Architecture(
    String name,
    String summary,
    List<String> aliases,
    String parent,
    Map<String, Feature> features,
    Map<String, Feature> tensors) {

  /** An expression and the text that it was read from. */
  record Feature(String text, Expression expression) {}

  /** The row that says what there is and what each feature is by default. */
  static final String VOCABULARY = "decoder";

  /** What a row's file says, before its parent is known. */
  record Text(
      String name,
      String summary,
      List<String> aliases,
      String parent,
      Map<String, Feature> features,
      Map<String, Feature> tensors) {

    /** This row with what it does not say taken from its parent. */
    Architecture like(Architecture parentRow) {
      var allFeatures = new LinkedHashMap<>(parentRow.features());
      var allTensors = new LinkedHashMap<>(parentRow.tensors());
      allFeatures.putAll(features);
      allTensors.putAll(tensors);
      return new Architecture(name, summary, aliases, parent, allFeatures, allTensors);
    }
  }

  /**
   * Reads a row.
   *
   * <pre>
   * family NAME "summary"            the first line that is not a comment
   * also NAME …                      other model types of the family
   * like NAME                        the row to start from; the vocabulary if absent
   * FEATURE = EXPRESSION             indented lines go on
   * tensor WEIGHT = EXPRESSION       a name, a list of names of which the first present counts, or null
   * # comment
   * </pre>
   *
   * @throws IllegalArgumentException naming the line that cannot be read
   */
  static Text read(String source) {
    String name = "";
    String summary = "";
    String parent = VOCABULARY;
    var aliases = new ArrayList<String>();
    var features = new LinkedHashMap<String, Feature>();
    var tensors = new LinkedHashMap<String, Feature>();
    for (var line : logicalLines(source)) {
      int equals = line.indexOf(" = ");
      if (line.startsWith("family ")) {
        int quote = line.indexOf('"');
        name = line.substring("family ".length(), quote).strip();
        summary = line.substring(quote + 1, line.lastIndexOf('"'));
      } else if (line.startsWith("also ")) {
        aliases.addAll(List.of(line.substring("also ".length()).strip().split("\\s+")));
      } else if (line.startsWith("like ")) {
        parent = line.substring("like ".length()).strip();
      } else if (equals < 0) {
        throw new IllegalArgumentException("not a line of an architecture: " + line);
      } else {
        var key = line.substring(0, equals).strip();
        var text = line.substring(equals + 3).strip();
        var feature = new Feature(text, ExpressionParser.parse(text));
        if (key.startsWith("tensor ")) {
          tensors.put(key.substring("tensor ".length()).strip(), feature);
        } else {
          features.put(key, feature);
        }
      }
    }
    return new Text(name, summary, List.copyOf(aliases), parent, features, tensors);
  }

  private static List<String> logicalLines(String source) {
    var lines = new ArrayList<String>();
    for (var raw : source.lines().toList()) {
      var line = withoutComment(raw);
      if (line.isBlank()) {
        continue;
      }
      if (Character.isWhitespace(line.charAt(0)) && !lines.isEmpty()) {
        lines.set(lines.size() - 1, lines.getLast() + " " + line.strip());
      } else {
        lines.add(line.strip());
      }
    }
    return lines;
  }

  private static String withoutComment(String line) {
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      if (line.charAt(i) == '"') {
        quoted = !quoted;
      } else if (line.charAt(i) == '#' && !quoted) {
        return line.substring(0, i);
      }
    }
    return line;
  }
}
