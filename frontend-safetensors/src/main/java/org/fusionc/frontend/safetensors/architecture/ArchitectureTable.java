package org.fusionc.frontend.safetensors.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/** The families that can be imported: the {@code *.arch} resources, by {@code model_type}. */
public final class ArchitectureTable {
  private static final String FOLDER = "architectures/";

  /** All rows, the vocabulary included, by name and alias. */
  private final Map<String, Architecture> rows;

  private ArchitectureTable(Map<String, Architecture> rows) {
    this.rows = rows;
  }

  private static final class Holder {
    static final ArchitectureTable BUILT_IN = read(sources());
  }

  /** The families that fusionc knows. */
  public static ArchitectureTable builtIn() {
    return Holder.BUILT_IN;
  }

  /** Reads rows, of which one is the vocabulary, in any order. */
  static ArchitectureTable read(List<String> sources) {
    var texts = new HashMap<String, Architecture.Text>();
    sources.stream().map(Architecture::read).forEach(text -> texts.put(text.name(), text));
    var rows = new TreeMap<String, Architecture>();
    for (var name : texts.keySet()) {
      resolve(name, texts, rows);
    }
    for (var row : List.copyOf(rows.values())) {
      row.aliases().forEach(alias -> rows.put(alias, row));
    }
    return new ArchitectureTable(rows);
  }

  private static Architecture resolve(
      String name, Map<String, Architecture.Text> texts, Map<String, Architecture> rows) {
    var done = rows.get(name);
    if (done != null) {
      return done;
    }
    var text = texts.get(name);
    if (text == null) {
      throw new IllegalArgumentException("a row is like '" + name + "', which is not there");
    }
    Architecture row;
    if (name.equals(Architecture.VOCABULARY)) {
      row =
          new Architecture(
              name, text.summary(), text.aliases(), "", text.features(), text.tensors());
    } else {
      row = text.like(resolve(text.parent(), texts, rows));
      var vocabulary = resolve(Architecture.VOCABULARY, texts, rows);
      requireKnown(name, text.features(), vocabulary.features());
      requireKnown(name, text.tensors(), vocabulary.tensors());
    }
    rows.put(name, row);
    return row;
  }

  /** A misspelt feature would be ignored, so every row may say only what the vocabulary has. */
  private static void requireKnown(
      String row,
      Map<String, Architecture.Feature> said,
      Map<String, Architecture.Feature> vocabulary) {
    for (var key : said.keySet()) {
      if (!vocabulary.containsKey(key)) {
        throw new IllegalArgumentException(
            "architecture %s: '%s' is not in the vocabulary; %s"
                .formatted(
                    row, key, Suggestion.didYouMean(key, vocabulary.keySet(), "see decoder.arch")));
      }
    }
  }

  private static List<String> sources() {
    return resource("index.txt")
        .lines()
        .filter(line -> !line.isBlank())
        .map(name -> resource(name.strip() + ".arch"))
        .toList();
  }

  private static String resource(String name) {
    try (var stream = ArchitectureTable.class.getResourceAsStream(FOLDER + name)) {
      if (stream == null) {
        throw new IllegalStateException("resource " + FOLDER + name + " is not there");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The families' {@code model_type}s, sorted, aliases included. */
  public List<String> families() {
    return rows.keySet().stream().filter(name -> !name.equals(Architecture.VOCABULARY)).toList();
  }

  /** One line on the family. */
  public String summary(String family) {
    return row(family).summary();
  }

  private Architecture row(String family) {
    var row = rows.get(family);
    if (row == null) {
      throw new IllegalArgumentException("no family " + family);
    }
    return row;
  }

  /**
   * The model's row, bound to its config.json.
   *
   * @throws DiagnosticException if no row describes its {@code model_type}, naming the nearest
   */
  public Features of(ModelConfig config) {
    var type = config.modelType();
    if (!families().contains(type)) {
      throw Diagnostic.invalid(
              Location.named(config.file().toString()),
              "the architecture model_type = \"" + type + "\" is not known",
              Suggestion.nearest(type, families())
                      .map(near -> "the nearest known is '" + near + "'; known are ")
                      .orElse("known are ")
                  + String.join(", ", families()))
          .exception();
    }
    return new Features(row(type), config);
  }
}
