package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * A family's row bound to one model's config.json: every feature as a number, a flag or a choice.
 *
 * <p>Features may differ from layer to layer; where a method takes no layer, the feature is the
 * model's. What config.json leaves out or gets wrong is a diagnostic with the field's name.
 */
public final class Features {
  private final Architecture row;
  private final ModelConfig config;

  Features(Architecture row, ModelConfig config) {
    this.row = row;
    this.config = config;
  }

  public String family() {
    return row.name();
  }

  public ModelConfig config() {
    return config;
  }

  public int count(String feature) {
    return count(feature, Evaluator.NO_LAYER);
  }

  /** A positive integer. */
  public int count(String feature, int layer) {
    return integer(feature, layer, 1, "a positive whole number");
  }

  /** An integer that may be zero. */
  public int countOrZero(String feature, int layer) {
    return integer(feature, layer, 0, "a whole number, not negative");
  }

  private int integer(String feature, int layer, int least, String expected) {
    return (int)
        read(
                feature,
                layer,
                expected,
                datum ->
                    datum instanceof Datum.Num(double value)
                            && value == Math.rint(value)
                            && value >= least
                            && value <= Integer.MAX_VALUE
                        ? Optional.of(value)
                        : Optional.empty())
            .doubleValue();
  }

  public double number(String feature) {
    return number(feature, Evaluator.NO_LAYER);
  }

  public double number(String feature, int layer) {
    return read(feature, layer, "a number", Features::asNumber);
  }

  public double positive(String feature) {
    return read(
        feature,
        Evaluator.NO_LAYER,
        "a positive number",
        datum -> asNumber(datum).filter(value -> value > 0));
  }

  private static Optional<Double> asNumber(Datum datum) {
    return datum instanceof Datum.Num(double value) && Double.isFinite(value)
        ? Optional.of(value)
        : Optional.empty();
  }

  public boolean flag(String feature) {
    return flag(feature, Evaluator.NO_LAYER);
  }

  public boolean flag(String feature, int layer) {
    return read(
        feature,
        layer,
        "true or false",
        datum ->
            datum instanceof Datum.Bool(boolean value) ? Optional.of(value) : Optional.empty());
  }

  /** Whether the feature is there: neither null nor false nor zero. */
  public boolean has(String feature, int layer) {
    return switch (evaluate(feature, layer)) {
      case Datum.Nothing n -> false;
      case Datum.Bool(boolean value) -> value;
      case Datum.Num(double value) -> value != 0;
      default -> true;
    };
  }

  /**
   * What a feature says, mapped by {@code known}.
   *
   * @throws DiagnosticException naming the field, its value and what there is, if it is none of
   *     those
   */
  public <T> T choice(String feature, int layer, Map<String, T> known) {
    var datum = evaluate(feature, layer);
    if (datum instanceof Datum.Str(String value)) {
      var found = known.get(value);
      if (found != null) {
        return found;
      }
      throw unsupported(feature, layer, datum, known.keySet().stream().sorted().toList());
    }
    throw wrong(feature, layer, datum, "a string");
  }

  private DiagnosticException unsupported(
      String feature, int layer, Datum datum, List<String> known) {
    var supported = "supported: " + String.join(", ", known);
    var remedy =
        datum instanceof Datum.Str(String value)
            ? Suggestion.nearest(value, known)
                .map(near -> "did you mean '" + near + "'? " + supported)
                .orElse(supported)
            : supported;
    return Diagnostic.invalid(location(), said(feature, layer, datum) + " is not supported", remedy)
        .exception();
  }

  /**
   * The names that the weight's tensor may have, first the usual one; none if there is no such
   * weight.
   */
  List<String> tensorNames(String weight, int layer) {
    var expression = row.tensors().get(weight);
    if (expression == null) {
      throw new IllegalArgumentException(row.name() + " has no tensor " + weight);
    }
    return switch (evaluator(layer).evaluate(expression.expression())) {
      case Datum.Nothing n -> List.of();
      case Datum.Str(String name) -> List.of(inLayer(name, layer));
      case Datum.Seq(List<Datum> names) ->
          names.stream()
              .map(name ->
                  inLayer(name instanceof Datum.Str(String text) ? text : name.toString(), layer))
              .toList();
      case Datum other -> throw new IllegalArgumentException(weight + " is " + other);
    };
  }

  /** The prefixes that names of tensors may have in place of the first of them. */
  List<String> prefixes() {
    return evaluate("prefixes", Evaluator.NO_LAYER) instanceof Datum.Seq(List<Datum> all)
        ? all.stream().map(p -> p instanceof Datum.Str(String text) ? text : "").toList()
        : List.of();
  }

  private static String inLayer(String name, int layer) {
    return name.replace("{layer}", Integer.toString(layer));
  }

  /** Stops with the row's own words if config.json asks for what cannot be done. */
  public void requireSupported() {
    if (evaluate("unsupported", Evaluator.NO_LAYER) instanceof Datum.Str(String why)) {
      throw Diagnostic.invalid(
              location(), why, "this model cannot be imported as its config.json describes it")
          .exception();
    }
  }

  /** The failure to throw when a feature has a value that does not fit with the others. */
  public DiagnosticException invalid(String feature, int layer, String problem) {
    return Diagnostic.invalid(
            location(),
            said(feature, layer, evaluate(feature, layer)) + " " + problem,
            "correct it, or take the config.json that was published with the weights")
        .exception();
  }

  public Location location() {
    return Location.named(config.file().toString());
  }

  Datum evaluate(String feature, int layer) {
    try {
      return evaluator(layer).feature(feature);
    } catch (Evaluator.Unfit unfit) {
      throw Diagnostic.invalid(
              location(),
              fieldsOf(feature).orElse("the feature '" + feature + "'") + " " + unfit.problem(),
              "correct it, or take the config.json that was published with the weights")
          .exception();
    }
  }

  private Evaluator evaluator(int layer) {
    return new Evaluator(row, config, layer);
  }

  private <T> T read(
      String feature, int layer, String expected, Function<Datum, Optional<T>> reader) {
    var datum = evaluate(feature, layer);
    if (datum instanceof Datum.Nothing(String path) && !path.isEmpty()) {
      throw config.missing(path);
    }
    return reader.apply(datum).orElseThrow(() -> wrong(feature, layer, datum, expected));
  }

  private DiagnosticException wrong(String feature, int layer, Datum datum, String expected) {
    return Diagnostic.invalid(
            location(),
            said(feature, layer, datum) + " must be " + expected,
            "correct it, or take the config.json that was published with the weights")
        .exception();
  }

  /** The fields that the feature was read from and their values, or else the feature's own. */
  private String said(String feature, int layer, Datum datum) {
    var where = layer == Evaluator.NO_LAYER ? "" : " of layer " + layer;
    var own = "the feature '" + feature + "'" + where + " = " + datum;
    return fieldsOf(feature)
        .map(fields -> fields.endsWith(" = " + datum) ? fields : fields + " (" + own + ")")
        .orElse(own);
  }

  /** The fields of config.json that the feature is made from, with their values, if any. */
  private Optional<String> fieldsOf(String feature) {
    var fields = new ArrayList<String>();
    collectFields(feature, fields, new ArrayList<>());
    var evaluator = evaluator(Evaluator.NO_LAYER);
    var present =
        fields.stream()
            .distinct()
            .map(field -> Map.entry(field, evaluator.field(List.of(field.split("\\.")))))
            .filter(entry -> !(entry.getValue() instanceof Datum.Nothing))
            .map(entry -> entry.getKey() + " = " + entry.getValue())
            .toList();
    return present.isEmpty()
        ? Optional.empty()
        : Optional.of(
            (present.size() == 1 ? "the field " : "the fields ") + String.join(", ", present));
  }

  private void collectFields(String feature, List<String> fields, List<String> seen) {
    var said = row.features().get(feature);
    if (said == null || seen.contains(feature)) {
      return;
    }
    seen.add(feature);
    Evaluator.names(said.expression())
        .forEach(name -> {
          if (name.isConfig()) {
            fields.add(String.join(".", name.segments().subList(1, name.segments().size())));
          } else {
            collectFields(name.dotted(), fields, seen);
          }
        });
  }
}
