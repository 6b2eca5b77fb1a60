package org.fusionc.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * An op's entry in the op table: its signature, attributes, constraints and documentation, and how
 * to make its record. Constraints are numbered C1… over operands, results, then checks, and carry
 * the same labels in messages, tests and docs.
 */
public final class OpSchema {
  /** How often an operand stands. */
  public enum Arity {
    ONE,
    OPTIONAL,
    VARIADIC
  }

  public record Operand(String name, Arity arity, TypePattern pattern) {}

  /**
   * @param kind {@code int, float, bool, string, dtype, ints, floats, numbers} or {@code body}
   * @param defaultValue null if the attribute must be given
   * @param choices the strings allowed; empty for any
   */
  public record Attribute(
      String name, String kind, @Nullable Object defaultValue, List<String> choices) {
    /** Whether a value is of this attribute's kind. */
    public boolean accepts(Object value) {
      return switch (kind) {
        case "int" -> value instanceof Long;
        case "float" -> value instanceof Double;
        case "bool" -> value instanceof Boolean;
        case "string" -> value instanceof String s && (choices.isEmpty() || choices.contains(s));
        case "dtype" -> value instanceof DType;
        case "ints" -> value instanceof List<?> l && l.stream().allMatch(Long.class::isInstance);
        case "floats" ->
            value instanceof List<?> l && l.stream().allMatch(Double.class::isInstance);
        case "numbers" -> value instanceof Literal;
        case "body" -> value instanceof Function;
        default -> false;
      };
    }
  }

  public record ResultSpec(String name, TypePattern pattern) {}

  /** A numbered constraint beyond the signature; its test answers null, or what is wrong. */
  public record Check(String text, java.util.function.Function<Op, @Nullable String> test) {}

  /** Makes the record of an op from its parts, without checking anything. */
  @FunctionalInterface
  public interface Factory {
    Op create(List<@Nullable Value> operands, List<Object> attributes, Type type);
  }

  private final Builder parts;
  private final Factory factory;

  private OpSchema(Builder parts, Factory factory) {
    this.parts = parts;
    this.factory = factory;
  }

  public static Builder named(String name, String level, String since) {
    return new Builder(name, level, since);
  }

  public String name() {
    return parts.name;
  }

  /** {@code tensor}, {@code llm} or {@code kernel}. */
  public String level() {
    return parts.level;
  }

  public String since() {
    return parts.since;
  }

  public String summary() {
    return parts.summary;
  }

  public String formula() {
    return parts.formula;
  }

  public List<Operand> operands() {
    return Collections.unmodifiableList(parts.operands);
  }

  public List<Attribute> attributes() {
    return Collections.unmodifiableList(parts.attributes);
  }

  /** The paper or specification; empty if there is none to name. */
  public String source() {
    return parts.source;
  }

  /** The results with their patterns; empty if the type is stated or computed. */
  public List<ResultSpec> results() {
    return Collections.unmodifiableList(parts.results);
  }

  public List<Check> checks() {
    return Collections.unmodifiableList(parts.checks);
  }

  public List<String> traits() {
    return Collections.unmodifiableList(parts.traits);
  }

  /** Whether the result's type cannot be inferred and must be stated. */
  public boolean isStated() {
    return parts.stated;
  }

  /** Makes the record without checking anything; {@link Graph#build} is the checked way. */
  Op create(List<@Nullable Value> operands, List<Object> attributes, Type type) {
    return factory.create(operands, attributes, type);
  }

  /**
   * The type of the op with these operands and attributes.
   *
   * @param stated the type that the text or the caller states; null if none
   * @throws org.fusionc.ir.diagnostic.DiagnosticException with every violated constraint's label
   */
  Type infer(
      List<@Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated,
      Location location) {
    try {
      return checked(operands, attributes, stated, location);
    } catch (ArithmeticException overflow) {
      throw error(location, ": a size does not fit in 64 bits", "");
    }
  }

  private Type checked(
      List<@Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated,
      Location location) {
    var problem = arityProblem(operands, attributes);
    if (problem != null) {
      throw error(location, problem, parts.name + " takes " + signature());
    }
    var bindings = new TypePattern.Bindings(parts.dtypes);
    for (int i = 0; i < operands.size(); i++) {
      int at = Math.min(i, parts.operands.size() - 1);
      var spec = parts.operands.get(at);
      var value = operands.get(i);
      var mismatch = value == null ? null : spec.pattern.match(value.type(), bindings);
      if (mismatch != null) {
        throw error(
            location,
            "(C%d): %s must be %s but is %s: %s"
                .formatted(
                    at + 1,
                    spec.name,
                    spec.pattern,
                    Objects.requireNonNull(value).type(),
                    mismatch),
            "");
      }
    }
    int label = parts.operands.size() + 1;
    Type type;
    if (parts.stated) {
      if (stated == null) {
        throw error(location, ": the result's type must be stated", "");
      }
      type = stated;
    } else if (parts.resultBy != null) {
      try {
        type =
            parts.resultBy.apply(factory.create(operands, attributes, new Type.Tuple(List.of())));
      } catch (TypeMismatch mismatch) {
        throw error(location, "(C%d): %s".formatted(label, mismatch.getMessage()), "");
      }
    } else {
      var types = new ArrayList<Type>();
      for (var result : parts.results) {
        var inferred = result.pattern.instantiate(bindings);
        if (inferred == null) {
          throw error(
              location, ": the type of its result " + result.pattern + " does not follow", "");
        }
        types.add(inferred);
      }
      type = types.size() == 1 ? types.getFirst() : new Type.Tuple(types);
    }
    if (stated != null && !stated.equals(type)) {
      throw error(
          location,
          "(C%d): the result is %s but %s is stated".formatted(label, type, stated),
          "write ': " + type + "'");
    }
    label += parts.resultBy != null ? 1 : parts.results.size();
    var op = factory.create(operands, attributes, type);
    for (var check : parts.checks) {
      var wrong = check.test.apply(op);
      if (wrong != null) {
        throw error(location, "(C%d): %s: %s".formatted(label, check.text, wrong), "");
      }
      label++;
    }
    return type;
  }

  private DiagnosticException error(Location location, String message, String remedy) {
    var separator = message.startsWith("(") ? " " : "";
    return Diagnostic.invalid(location, parts.name + separator + message, remedy).exception();
  }

  private @Nullable String arityProblem(List<@Nullable Value> operands, List<Object> attributes) {
    int required = 0;
    boolean variadic = false;
    for (var operand : parts.operands) {
      required += operand.arity == Arity.ONE ? 1 : 0;
      variadic |= operand.arity == Arity.VARIADIC;
    }
    if (operands.size() < required || (!variadic && operands.size() > parts.operands.size())) {
      long given = operands.stream().filter(Objects::nonNull).count();
      return given == 1 ? ": 1 operand is given" : ": " + given + " operands are given";
    }
    for (int i = 0; i < operands.size(); i++) {
      var spec = parts.operands.get(Math.min(i, parts.operands.size() - 1));
      if (operands.get(i) == null && spec.arity != Arity.OPTIONAL) {
        return ": operand " + spec.name + " is missing";
      }
    }
    for (int i = 0; i < parts.attributes.size(); i++) {
      var attribute = parts.attributes.get(i);
      if (!attribute.accepts(attributes.get(i))) {
        return ": attribute %s must be %s but is %s"
            .formatted(
                attribute.name,
                attribute.choices.isEmpty() ? attribute.kind : "one of " + attribute.choices,
                attributes.get(i));
      }
    }
    return null;
  }

  /** The operands as a person reads them: {@code x, weight, bias?}. */
  public String signature() {
    var names =
        parts.operands.stream()
            .map(o ->
                o.name
                    + switch (o.arity) {
                      case ONE -> "";
                      case OPTIONAL -> "?";
                      case VARIADIC -> "...";
                    })
            .toList();
    return names.isEmpty() ? "no operands" : String.join(", ", names);
  }

  @Override
  public String toString() {
    return parts.name;
  }

  // What the generated records call.

  public static List<@Nullable Value> list(@Nullable Value... values) {
    return Collections.unmodifiableList(Arrays.asList(values));
  }

  /** The fixed operands, then the variadic ones. */
  public static List<@Nullable Value> listAnd(
      List<? extends Value> variadic, @Nullable Value... fixed) {
    var all = new ArrayList<@Nullable Value>(Arrays.asList(fixed));
    all.addAll(variadic);
    return Collections.unmodifiableList(all);
  }

  public static Value required(List<@Nullable Value> operands, int index) {
    return Objects.requireNonNull(operands.get(index));
  }

  public static List<Value> present(List<@Nullable Value> operands, int from) {
    return operands.subList(from, operands.size()).stream()
        .map(v -> Objects.requireNonNull(v))
        .toList();
  }

  public static String describe(Op op) {
    return op.name() + " : " + op.type();
  }

  /** Thrown by a type inference hook: the operands' types do not fit. */
  public static final class TypeMismatch extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TypeMismatch(String message) {
      super(message);
    }
  }

  /** Collects the parts of a schema; generated code and plug-ins use it. */
  public static final class Builder {
    private final String name;
    private final String level;
    private final String since;
    private String summary = "";
    private String formula = "";
    private String source = "";
    private final Map<String, List<String>> dtypes = new TreeMap<>();
    private final List<Operand> operands = new ArrayList<>();
    private final List<Attribute> attributes = new ArrayList<>();
    private final List<ResultSpec> results = new ArrayList<>();
    private final List<Check> checks = new ArrayList<>();
    private final List<String> traits = new ArrayList<>();
    private boolean stated;
    private java.util.function.@Nullable Function<Op, Type> resultBy;

    private Builder(String name, String level, String since) {
      this.name = name;
      this.level = level;
      this.since = since;
    }

    public Builder summary(String text) {
      summary = text;
      return this;
    }

    public Builder formula(String text) {
      formula = text;
      return this;
    }

    public Builder source(String text) {
      source = text;
      return this;
    }

    /** Restricts a dtype variable to {@code float, int, number, quantized, any} or named dtypes. */
    public Builder dtypes(String variable, String... sets) {
      dtypes.put(variable, List.of(sets));
      return this;
    }

    /**
     * {@code arity} is {@code ""}, {@code "?"} or {@code "..."}; a variadic operand is the last.
     */
    public Builder operand(String operandName, String arity, TypePattern pattern) {
      operands.add(
          new Operand(
              operandName,
              switch (arity) {
                case "?" -> Arity.OPTIONAL;
                case "..." -> Arity.VARIADIC;
                default -> Arity.ONE;
              },
              pattern));
      return this;
    }

    public Builder attribute(
        String attributeName, String kind, @Nullable Object defaultValue, List<String> choices) {
      attributes.add(new Attribute(attributeName, kind, defaultValue, choices));
      return this;
    }

    public Builder result(String resultName, TypePattern pattern) {
      results.add(new ResultSpec(resultName, pattern));
      return this;
    }

    public Builder stated() {
      stated = true;
      return this;
    }

    public Builder resultBy(java.util.function.Function<Op, Type> hook) {
      resultBy = hook;
      return this;
    }

    public Builder check(String text, java.util.function.Function<Op, @Nullable String> test) {
      checks.add(new Check(text, test));
      return this;
    }

    public Builder trait(String trait) {
      traits.add(trait);
      return this;
    }

    public OpSchema build(Factory factory) {
      return new OpSchema(this, factory);
    }
  }
}
