package org.fusionc.frontend.safetensors;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object of a configuration file, read field by field, each with the type it must have.
 *
 * <p>Every accessor takes a field's name and the other names under which some families write it;
 * the first one present counts. {@code null} counts as absent, as it does to the programs that
 * write these files. A value of the wrong type, or out of range, is a diagnostic with the file, the
 * field, what was found and what to do, whether the field is optional or not.
 */
public sealed class ConfigObject permits ModelConfig {

  /** A field's value and its full name in the file, such as {@code text_config.hidden_size}. */
  record Field(String path, JsonNode value) {}

  /** What a field must be: how to say it, and how to read it. */
  private record Kind<T>(String description, Function<JsonNode, Optional<T>> reader) {

    Kind<List<T>> list() {
      return new Kind<>(
          "a list, each element " + description,
          node -> {
            if (!node.isArray()) {
              return Optional.empty();
            }
            var elements = new ArrayList<T>(node.size());
            for (JsonNode element : node) {
              Optional<T> read = reader.apply(element);
              if (read.isEmpty()) {
                return Optional.empty();
              }
              elements.add(read.get());
            }
            return Optional.of(List.copyOf(elements));
          });
    }

    Kind<List<T>> oneOrMore() {
      return new Kind<>(
          description + " or a list of such",
          node -> node.isArray() ? list().reader.apply(node) : reader.apply(node).map(List::of));
    }
  }

  private static final Kind<Integer> INTEGER =
      new Kind<>("an integer of 32 bits", ConfigObject::asInteger);
  private static final Kind<Integer> POSITIVE_INTEGER =
      new Kind<>("a positive integer of 32 bits", node -> asInteger(node).filter(n -> n > 0));
  private static final Kind<Double> NUMBER =
      new Kind<>("a finite number", ConfigObject::asFiniteNumber);
  private static final Kind<Double> POSITIVE_NUMBER =
      new Kind<>("a positive finite number", node -> asFiniteNumber(node).filter(n -> n > 0));
  private static final Kind<Boolean> BOOLEAN =
      new Kind<>(
          "true or false",
          node -> node.isBoolean() ? Optional.of(node.booleanValue()) : Optional.empty());
  private static final Kind<String> STRING =
      new Kind<>(
          "a string", node -> node.isString() ? Optional.of(node.stringValue()) : Optional.empty());

  private final Path file;
  private final String prefix;
  private final ObjectNode node;

  /**
   * @param prefix the object's own place in the file, ending in a dot; empty for the whole
   */
  ConfigObject(Path file, String prefix, ObjectNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  /**
   * Reads a JSON file that must exist.
   *
   * @throws DiagnosticException if it is missing or does not hold a JSON object
   */
  public static ConfigObject read(Path file) {
    return new ConfigObject(
        file, "", JsonFile.read(file, "download it with the rest of the model"));
  }

  /** The file as the user named it. */
  public final Path file() {
    return file;
  }

  /** Whether the field is there and is not {@code null}. */
  public final boolean has(String name) {
    return find(name).isPresent();
  }

  /** The names of all fields, {@code null} ones included. */
  public Collection<String> names() {
    return node.propertyNames();
  }

  public final int requiredInt(String name, String... alternatives) {
    return required(INTEGER, name, alternatives);
  }

  public final Optional<Integer> optionalInt(String name, String... alternatives) {
    return optional(INTEGER, name, alternatives);
  }

  public final int requiredPositiveInt(String name, String... alternatives) {
    return required(POSITIVE_INTEGER, name, alternatives);
  }

  public final Optional<Integer> optionalPositiveInt(String name, String... alternatives) {
    return optional(POSITIVE_INTEGER, name, alternatives);
  }

  public final double requiredDouble(String name, String... alternatives) {
    return required(NUMBER, name, alternatives);
  }

  public final Optional<Double> optionalDouble(String name, String... alternatives) {
    return optional(NUMBER, name, alternatives);
  }

  public final double requiredPositiveDouble(String name, String... alternatives) {
    return required(POSITIVE_NUMBER, name, alternatives);
  }

  public final Optional<Double> optionalPositiveDouble(String name, String... alternatives) {
    return optional(POSITIVE_NUMBER, name, alternatives);
  }

  public final boolean requiredBoolean(String name, String... alternatives) {
    return required(BOOLEAN, name, alternatives);
  }

  public final Optional<Boolean> optionalBoolean(String name, String... alternatives) {
    return optional(BOOLEAN, name, alternatives);
  }

  public final String requiredString(String name, String... alternatives) {
    return required(STRING, name, alternatives);
  }

  public final Optional<String> optionalString(String name, String... alternatives) {
    return optional(STRING, name, alternatives);
  }

  public final Optional<List<Integer>> optionalInts(String name, String... alternatives) {
    return optional(INTEGER.list(), name, alternatives);
  }

  /** A list of integers, or one integer standing for a list of one, as {@code eos_token_id} is. */
  public final Optional<List<Integer>> optionalIntOrInts(String name, String... alternatives) {
    return optional(INTEGER.oneOrMore(), name, alternatives);
  }

  public final Optional<List<Double>> optionalDoubles(String name, String... alternatives) {
    return optional(NUMBER.list(), name, alternatives);
  }

  public final List<Double> requiredPositiveDoubles(String name, String... alternatives) {
    return required(POSITIVE_NUMBER.list(), name, alternatives);
  }

  public final Optional<List<String>> optionalStrings(String name, String... alternatives) {
    return optional(STRING.list(), name, alternatives);
  }

  public final ConfigObject requiredObject(String name, String... alternatives) {
    return optionalObject(name, alternatives).orElseThrow(() -> missing(name, alternatives));
  }

  public final Optional<ConfigObject> optionalObject(String name, String... alternatives) {
    return find(name, alternatives)
        .map(field -> {
          if (field.value() instanceof ObjectNode object) {
            return new ConfigObject(file, field.path() + ".", object);
          }
          throw wrong(field, "an object");
        });
  }

  /** The raw value, for what none of the typed accessors reads. */
  public final Optional<JsonNode> optionalNode(String name, String... alternatives) {
    return find(name, alternatives).map(Field::value);
  }

  /**
   * The failure to throw when a field's value is of the right type but makes no sense.
   *
   * @param problem what is wrong, to be read after the field and its value: {@code "is not
   *     divisible by num_attention_heads (12)"}
   */
  public final DiagnosticException invalid(String name, String problem, String remedy) {
    String found =
        find(name)
            .map(field -> field.path() + " = " + JsonFile.shortened(field.value().toString()))
            .orElse(prefix + name);
    return Diagnostic.invalid(location(), found + " " + problem, remedy).exception();
  }

  /** The failure to throw when a field that this model needs is not there. */
  public final DiagnosticException missing(String name, String... alternatives) {
    var message = new StringBuilder("the field '").append(prefix).append(name).append("'");
    for (String alternative : alternatives) {
      message.append(" (or '").append(alternative).append("')");
    }
    message.append(names().contains(name) ? " is null" : " is missing");
    String remedy =
        Suggestion.nearest(name, names())
            .filter(near -> !near.equals(name))
            .map(near -> "add it; or is '" + near + "' a misspelling of it?")
            .orElse("add it, or take the config.json that was published with the weights");
    return Diagnostic.invalid(location(), message.toString(), remedy).exception();
  }

  /** The field of this name alone; absent if {@code null}. */
  Optional<Field> lookup(String name) {
    JsonNode value = node.get(name);
    return value == null || value.isNull()
        ? Optional.empty()
        : Optional.of(new Field(prefix + name, value));
  }

  final Location location() {
    return Location.named(file.toString());
  }

  private Optional<Field> find(String name, String... alternatives) {
    Optional<Field> field = lookup(name);
    for (int i = 0; i < alternatives.length && field.isEmpty(); i++) {
      field = lookup(alternatives[i]);
    }
    return field;
  }

  private <T> T required(Kind<T> kind, String name, String... alternatives) {
    return optional(kind, name, alternatives).orElseThrow(() -> missing(name, alternatives));
  }

  private <T> Optional<T> optional(Kind<T> kind, String name, String... alternatives) {
    return find(name, alternatives)
        .map(field ->
            kind.reader().apply(field.value()).orElseThrow(() -> wrong(field, kind.description())));
  }

  private DiagnosticException wrong(Field field, String expected) {
    return Diagnostic.invalid(
            location(),
            "the field '"
                + field.path()
                + "' must be "
                + expected
                + ", and is "
                + JsonFile.shortened(field.value().toString()),
            "correct it, or take the config.json that was published with the weights")
        .exception();
  }

  // 4096.0 counts as an integer: some converters write every number as a float.
  private static Optional<Integer> asInteger(JsonNode node) {
    return asFiniteNumber(node)
        .filter(value -> value == Math.rint(value) && Math.abs(value) <= Integer.MAX_VALUE)
        .map(Double::intValue);
  }

  private static Optional<Double> asFiniteNumber(JsonNode node) {
    OptionalDouble value = node.isNumber() ? node.doubleValueOpt() : OptionalDouble.empty();
    return value.isPresent() && Double.isFinite(value.getAsDouble())
        ? Optional.of(value.getAsDouble())
        : Optional.empty();
  }
}
