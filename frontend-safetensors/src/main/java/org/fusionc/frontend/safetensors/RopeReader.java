package org.fusionc.frontend.safetensors;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * Reads both generations of RoPE fields. The older one has {@code rope_theta} beside an optional
 * {@code rope_scaling}; the newer one has all in {@code rope_parameters}, once, or once per layer
 * type. What a section lacks is looked for beside it, since files in the wild mix the two.
 */
final class RopeReader {
  private static final String[] THETA_ALTERNATIVES = {"rotary_emb_base"};
  private static final String[] PARTIAL_ALTERNATIVES = {"rotary_pct", "rope_pct"};
  private static final List<String> KNOWN =
      List.of("default", "linear", "dynamic", "llama3", "yarn", "longrope");

  private final ModelConfig config;

  RopeReader(ModelConfig config) {
    this.config = config;
  }

  /** The rotary embedding of ordinary layers. */
  RopeParameters global(double defaultTheta) {
    Optional<ConfigObject> section = section("full_attention");
    double theta =
        section
            .flatMap(fields -> fields.optionalPositiveDouble("rope_theta"))
            .or(() -> config.optionalPositiveDouble("rope_theta", THETA_ALTERNATIVES))
            .orElse(defaultTheta);
    return new RopeParameters(
        theta,
        partialRotaryFactor(section),
        section.map(this::scaling).orElseGet(RopeScaling.None::new));
  }

  /** The one of sliding-window layers, in families where those have one of their own. */
  RopeParameters local(double defaultTheta) {
    Optional<ConfigObject> section =
        isPerLayerType() ? section("sliding_attention") : Optional.empty();
    double theta =
        section
            .flatMap(fields -> fields.optionalPositiveDouble("rope_theta"))
            .or(() -> config.optionalPositiveDouble("rope_local_base_freq"))
            .orElse(defaultTheta);
    return new RopeParameters(
        theta,
        partialRotaryFactor(section),
        section.map(this::scaling).orElseGet(RopeScaling.None::new));
  }

  private Optional<ConfigObject> declared() {
    return config.optionalObject("rope_parameters", "rope_scaling");
  }

  private boolean isPerLayerType() {
    return declared()
        .filter(fields ->
            !fields.names().isEmpty()
                && fields.names().stream()
                    .allMatch(name ->
                        fields.optionalNode(name).map(node -> node.isObject()).orElse(true)))
        .isPresent();
  }

  private Optional<ConfigObject> section(String layerType) {
    Optional<ConfigObject> declared = declared();
    return isPerLayerType() ? declared.map(fields -> fields.requiredObject(layerType)) : declared;
  }

  private double partialRotaryFactor(Optional<ConfigObject> section) {
    Optional<ConfigObject> holder = section.filter(fields -> fields.has("partial_rotary_factor"));
    double factor =
        holder
            .map(fields -> fields.requiredPositiveDouble("partial_rotary_factor"))
            .or(() -> config.optionalPositiveDouble("partial_rotary_factor", PARTIAL_ALTERNATIVES))
            .orElse(1.0);
    if (factor > 1) {
      ConfigObject where = holder.isPresent() ? holder.get() : config;
      throw where.invalid(
          "partial_rotary_factor",
          "(" + factor + ") is more than the whole head",
          "write a share between 0 and 1");
    }
    return factor;
  }

  private RopeScaling scaling(ConfigObject fields) {
    String type = fields.optionalString("rope_type", "type").orElse("default");
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(fields.requiredPositiveDouble("factor"));
      case "dynamic" ->
          new RopeScaling.Dynamic(fields.requiredPositiveDouble("factor"), originalContext(fields));
      case "llama3" -> llama3(fields);
      case "yarn" -> yarn(fields);
      case "longrope", "su" -> longRope(fields);
      default -> throw unknown(fields, type);
    };
  }

  private static DiagnosticException unknown(ConfigObject fields, String type) {
    return fields.invalid(
        fields.has("rope_type") ? "rope_type" : "type",
        "is not a kind of RoPE scaling known here",
        Suggestion.didYouMean(type, KNOWN, "known are " + String.join(", ", KNOWN)));
  }

  private static RopeScaling llama3(ConfigObject fields) {
    double low = fields.requiredPositiveDouble("low_freq_factor");
    double high = fields.requiredPositiveDouble("high_freq_factor");
    if (low >= high) {
      throw fields.invalid(
          "low_freq_factor",
          "must be less than high_freq_factor (" + high + ")",
          "take both from the published config.json");
    }
    return new RopeScaling.Llama3(
        fields.requiredPositiveDouble("factor"),
        low,
        high,
        fields.requiredPositiveInt("original_max_position_embeddings"));
  }

  private RopeScaling yarn(ConfigObject fields) {
    int original = originalContext(fields);
    double factor = factor(fields, original);
    Optional<Double> mscale = fields.optionalPositiveDouble("mscale");
    Optional<Double> mscaleAllDim = fields.optionalPositiveDouble("mscale_all_dim");
    double attention =
        fields
            .optionalPositiveDouble("attention_factor")
            .orElseGet(() ->
                mscale.isPresent() && mscaleAllDim.isPresent()
                    ? magnitude(factor, mscale.get()) / magnitude(factor, mscaleAllDim.get())
                    : magnitude(factor, 1));
    return new RopeScaling.Yarn(
        factor,
        original,
        attention,
        fields.optionalPositiveDouble("beta_fast").orElse(32.0),
        fields.optionalPositiveDouble("beta_slow").orElse(1.0),
        fields.optionalBoolean("truncate").orElse(true),
        mscaleAllDim.map(OptionalDouble::of).orElseGet(OptionalDouble::empty));
  }

  private RopeScaling longRope(ConfigObject fields) {
    int original = originalContext(fields);
    double factor = factor(fields, original);
    double attention =
        fields
            .optionalPositiveDouble("attention_factor")
            .orElseGet(
                () -> factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
    List<Double> shortFactors = fields.requiredPositiveDoubles("short_factor");
    List<Double> longFactors = fields.requiredPositiveDoubles("long_factor");
    if (shortFactors.size() != longFactors.size()) {
      throw fields.invalid(
          "short_factor",
          "has " + shortFactors.size() + " numbers, but long_factor has " + longFactors.size(),
          "give each as many as half the rotated dimensions of a head");
    }
    return new RopeScaling.LongRope(shortFactors, longFactors, original, attention);
  }

  private int originalContext(ConfigObject fields) {
    return fields
        .optionalPositiveInt("original_max_position_embeddings")
        .or(() -> config.optionalPositiveInt("original_max_position_embeddings"))
        .orElseGet(() -> config.requiredPositiveInt("max_position_embeddings"));
  }

  private double factor(ConfigObject fields, int originalContext) {
    return fields
        .optionalPositiveDouble("factor")
        .orElseGet(
            () -> config.requiredPositiveInt("max_position_embeddings") / (double) originalContext);
  }

  private static double magnitude(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }
}
