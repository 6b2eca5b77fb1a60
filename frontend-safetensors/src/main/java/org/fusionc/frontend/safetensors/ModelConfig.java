package org.fusionc.frontend.safetensors;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model's config.json.
 *
 * <p>Where the file describes a model of several modalities, the language model's fields are those
 * of its {@code text_config}; the few that belong to the whole, such as {@code
 * tie_word_embeddings}, are found outside if not inside.
 */
public final class ModelConfig extends ConfigObject {
  private static final String TEXT = "text_config";
  private static final Set<String> SHARED =
      Set.of(
          "architectures",
          "bos_token_id",
          "dtype",
          "eos_token_id",
          "initializer_range",
          "model_type",
          "pad_token_id",
          "quantization_config",
          "tie_word_embeddings",
          "torch_dtype",
          "transformers_version");

  private final ObjectNode root;
  private final @Nullable ConfigObject outer;

  private ModelConfig(Path file, ObjectNode root, @Nullable ObjectNode text) {
    super(file, text == null ? "" : TEXT + ".", text == null ? root : text);
    this.root = root;
    this.outer = text == null ? null : new ConfigObject(file, "", root);
  }

  /**
   * Reads a config.json.
   *
   * @throws DiagnosticException if the file is missing or does not hold a JSON object
   */
  public static ModelConfig read(Path file) {
    ObjectNode root =
        JsonFile.read(
            file, "give a Hugging Face model directory; its config.json says what the model is");
    return new ModelConfig(file, root, root.get(TEXT) instanceof ObjectNode text ? text : null);
  }

  /** The family of the language model, such as {@code llama} or {@code gemma3_text}. */
  public String modelType() {
    return requiredString("model_type");
  }

  /** The family of the whole where the language model is only a part of it. */
  public Optional<String> outerModelType() {
    return outer == null ? Optional.empty() : outer.optionalString("model_type");
  }

  /** Whether the language model is a part of a larger model, in {@code text_config}. */
  public boolean isNested() {
    return outer != null;
  }

  /** The classes that the checkpoint was saved from; empty if the file does not say. */
  public List<String> architectures() {
    ConfigObject whole = outer == null ? this : outer;
    return whole.optionalStrings("architectures").orElse(List.of());
  }

  /** The dtype that the weights were saved in, such as {@code bfloat16}, if the file says. */
  public Optional<String> dtype() {
    return optionalString("dtype", "torch_dtype");
  }

  /** The tokens that end a text; empty if the file does not say. */
  public List<Integer> endOfTextIds() {
    return optionalIntOrInts("eos_token_id").orElse(List.of());
  }

  /** The standard deviation that weights are initialised with. */
  public double initializerRange() {
    return optionalPositiveDouble("initializer_range", "init_std").orElse(0.02);
  }

  /**
   * The rotary embedding of all layers, or, where layers with a sliding window have one of their
   * own, of those without.
   *
   * @param defaultTheta the family's base where the file states none
   * @throws DiagnosticException if a field makes no sense or the kind of scaling is unknown
   */
  public RopeParameters rope(double defaultTheta) {
    return new RopeReader(this).global(defaultTheta);
  }

  /**
   * The rotary embedding of layers with a sliding window, for families in which those have one of
   * their own; unless the file has a section for them they are not scaled.
   *
   * @param defaultTheta the family's base where the file states none
   * @throws DiagnosticException if a field makes no sense or the kind of scaling is unknown
   */
  public RopeParameters localRope(double defaultTheta) {
    return new RopeReader(this).local(defaultTheta);
  }

  @Override
  public Collection<String> names() {
    var names = new ArrayList<>(super.names());
    if (outer != null) {
      outer.names().stream()
          .filter(name -> SHARED.contains(name) && !names.contains(name))
          .forEach(names::add);
    }
    return names;
  }

  /** The file with the dtype of its weights replaced. */
  JsonNode withDtype(String dtype) {
    ObjectNode copy = root.deepCopy();
    boolean older = copy.has("torch_dtype") || !copy.has("dtype");
    copy.put(older ? "torch_dtype" : "dtype", dtype);
    if (copy.get(TEXT) instanceof ObjectNode text) {
      for (String name : List.of("torch_dtype", "dtype")) {
        if (text.has(name)) {
          text.put(name, dtype);
        }
      }
    }
    return copy;
  }

  @Override
  Optional<Field> lookup(String name) {
    Optional<Field> inside = super.lookup(name);
    return inside.isPresent() || outer == null || !SHARED.contains(name)
        ? inside
        : outer.lookup(name);
  }
}
