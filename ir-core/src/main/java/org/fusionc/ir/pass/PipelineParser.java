package org.fusionc.ir.pass;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * Reads a pipeline: {@code pass ("," pass)*}, {@code pass = name ("{" option ("," option)* "}")?},
 * {@code option = name ("=" value)?}. Nothing nests, so a loop suffices.
 */
final class PipelineParser {
  private final String text;
  private final PassRegistry registry;
  private int at;

  PipelineParser(String text, PassRegistry registry) {
    this.text = text;
    this.registry = registry;
  }

  Pipeline parse() {
    var steps = new ArrayList<Pipeline.Step>();
    skipSpace();
    while (at < text.length()) {
      steps.add(step());
      if (at < text.length()) {
        expect(',', "',' between passes");
        if (at == text.length()) {
          throw error(at, "a pass is missing after ','", "remove the ',' or add a pass");
        }
      }
    }
    return new Pipeline(steps);
  }

  private Pipeline.Step step() {
    int start = at;
    var name = word("the name of a pass");
    var pass =
        registry
            .find(name)
            .orElseThrow(() ->
                error(
                    start,
                    "there is no pass '" + name + "'",
                    Suggestion.didYouMean(name, registry.names(), "'fusionc passes' lists them")));
    var options = new LinkedHashMap<String, Object>();
    if (peek('{')) {
      expect('{', "'{'");
      while (!peek('}')) {
        option(pass, options);
        if (!peek('}')) {
          expect(',', "',' or '}' after an option");
        }
      }
      expect('}', "'}'");
    }
    return new Pipeline.Step(pass, Collections.unmodifiableMap(options));
  }

  private void option(Pass pass, Map<String, Object> options) {
    int start = at;
    var name = word("the name of an option or '}'");
    var names = pass.options().stream().map(PassOption::name).toList();
    var option =
        pass.options().stream()
            .filter(o -> o.name().equals(name))
            .findFirst()
            .orElseThrow(() ->
                error(
                    start,
                    "the pass '%s' has no option '%s'".formatted(pass.name(), name),
                    Suggestion.didYouMean(
                        name,
                        names,
                        names.isEmpty()
                            ? "it has none"
                            : "its options are " + String.join(", ", names))));
    if (options.containsKey(name)) {
      throw error(start, "the option '" + name + "' is given twice", "keep one of them");
    }
    int valueAt = start;
    var value = "true";
    if (peek('=')) {
      expect('=', "'='");
      valueAt = at;
      value = peek('"') ? quoted() : word("the option's value");
    } else if (!(option.defaultValue() instanceof Boolean)) {
      throw error(at, "the option '" + name + "' needs a value", "write " + name + "=…");
    }
    var parsed = option.parse(value);
    if (parsed == null) {
      throw error(
          valueAt,
          "the option '%s' of '%s' must be %s but is '%s'"
              .formatted(name, pass.name(), option.typeName(), value),
          "its default is " + option.defaultValue());
    }
    options.put(name, parsed);
  }

  private String quoted() {
    int start = at;
    var value = new StringBuilder();
    for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
      if (text.charAt(at) == '\\' && at + 1 < text.length()) {
        at++;
      }
      value.append(text.charAt(at));
    }
    if (at == text.length()) {
      throw error(start, "the text that starts here has no end", "close it with '\"'");
    }
    at++;
    skipSpace();
    return value.toString();
  }

  private String word(String expected) {
    int start = at;
    while (at < text.length() && isWord(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      throw error(at, "expected " + expected + " but found " + found(), "");
    }
    var word = text.substring(start, at);
    skipSpace();
    return word;
  }

  private static boolean isWord(char c) {
    return Character.isLetterOrDigit(c) || c == '-' || c == '_' || c == '.' || c == '+';
  }

  private boolean peek(char c) {
    return at < text.length() && text.charAt(at) == c;
  }

  private void expect(char c, String expected) {
    if (!peek(c)) {
      throw error(at, "expected " + expected + " but found " + found(), "");
    }
    at++;
    skipSpace();
  }

  private String found() {
    return at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
  }

  private void skipSpace() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private DiagnosticException error(int offset, String message, String remedy) {
    var before = text.substring(0, offset);
    int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
    int column = offset - before.lastIndexOf('\n');
    return new Diagnostic(
            Failure.USAGE, new Location.Text("pipeline", line, column), message, remedy)
        .exception();
  }
}
