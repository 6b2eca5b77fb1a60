package org.fusionc.passes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/**
 * Which weight gets which format: {@code q4,lm_head=q8,layers.0.*=q8}. The first entry may be a
 * format alone, for all that no pattern names; of the patterns that match, the last one counts. A
 * {@code *} stands for any text, {@code ?} for one character.
 */
public final class WeightRules {
  private record Rule(String glob, Pattern pattern, WeightFormat format) {
    boolean matches(Collection<String> names) {
      return names.stream().anyMatch(name -> pattern.matcher(name).matches());
    }
  }

  private final WeightFormat otherwise;
  private final List<Rule> rules;
  private final Set<Rule> used = new LinkedHashSet<>();

  private WeightRules(WeightFormat otherwise, List<Rule> rules) {
    this.otherwise = otherwise;
    this.rules = rules;
  }

  /**
   * Reads rules.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the text is no list of them
   */
  public static WeightRules parse(String text) {
    @Nullable WeightFormat otherwise = null;
    var rules = new ArrayList<Rule>();
    for (var entry : text.split(",", -1)) {
      var trimmed = entry.strip();
      int equals = trimmed.indexOf('=');
      if (trimmed.isEmpty()) {
        throw Diagnostic.usage(
                "an entry of '" + text + "' is empty", "write for example q4,lm_head=q8")
            .exception();
      } else if (equals >= 0) {
        var glob = trimmed.substring(0, equals).strip();
        if (glob.isEmpty()) {
          throw Diagnostic.usage(
                  "'" + trimmed + "' names no weights", "write for example lm_head=q8")
              .exception();
        }
        var format = WeightFormat.parse(trimmed.substring(equals + 1).strip());
        rules.add(new Rule(glob, pattern(glob), format));
      } else if (otherwise != null || !rules.isEmpty()) {
        WeightFormat.parse(trimmed);
        throw Diagnostic.usage(
                "'%s' stands without a pattern, but is not the first entry".formatted(trimmed),
                "the format of all other weights comes first, and once: q4,lm_head=q8")
            .exception();
      } else {
        otherwise = WeightFormat.parse(trimmed);
      }
    }
    return new WeightRules(otherwise == null ? WeightFormat.NONE : otherwise, List.copyOf(rules));
  }

  private static Pattern pattern(String glob) {
    var regex =
        glob.chars()
            .mapToObj(c ->
                switch (c) {
                  case '*' -> ".*";
                  case '?' -> ".";
                  default -> Pattern.quote(Character.toString(c));
                })
            .collect(Collectors.joining());
    return Pattern.compile(regex);
  }

  /** The format of a weight of a product, which goes by these names. */
  WeightFormat of(Collection<String> names) {
    var named = named(names);
    return named == null ? otherwise : named;
  }

  /** The format that a pattern gives; null if none matches. */
  @Nullable WeightFormat named(Collection<String> names) {
    WeightFormat format = null;
    for (var rule : rules) {
      if (rule.matches(names)) {
        used.add(rule);
        format = rule.format;
      }
    }
    return format;
  }

  /**
   * Every pattern must have matched.
   *
   * @param asked the names that patterns were tried on
   * @param others the names of the other weights
   */
  void requireUsed(Set<String> asked, Set<String> others) {
    for (var rule : rules) {
      if (!used.contains(rule)) {
        boolean excluded = rule.matches(others);
        throw Diagnostic.usage(
                excluded
                    ? "'%s' matches only weights that are not quantised, such as norms and biases"
                        .formatted(rule.glob)
                    : "no weight matches '" + rule.glob + "'",
                asked.isEmpty()
                    ? "the model has no products with weights"
                    : Suggestion.didYouMean(
                        rule.glob, asked, "there are " + String.join(", ", sample(asked))))
            .exception();
      }
    }
  }

  private static List<String> sample(Set<String> names) {
    var some = new ArrayList<>(names.stream().limit(8).toList());
    if (names.size() > some.size()) {
      some.add("…");
    }
    return some;
  }
}
