package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.jspecify.annotations.Nullable;

/**
 * Imports a Hugging Face model as FIR: its config.json, by the row of its family in the table of
 * architectures, and the names of its tensors, without reading a byte of them.
 */
public final class ModelImporter {
  private static final Set<String> LAYER_TYPES = Set.of("full_attention", "sliding_attention");

  private final ArchitectureTable table;
  private final DType.Scalar cacheDtype;

  /**
   * @param cacheDtype of keys and values in the cache, such as f32 or f16
   */
  public ModelImporter(ArchitectureTable table, DType.Scalar cacheDtype) {
    this.table = table;
    this.cacheDtype = cacheDtype;
  }

  /** The built-in families, with a cache in f32. */
  public ModelImporter() {
    this(ArchitectureTable.builtIn(), DType.Scalar.F32);
  }

  /**
   * The model as a module with one function, {@code @decode}; its weights stay in the checkpoint's
   * files. A checkpoint without weights is imported as its config.json describes it.
   *
   * <p>{@code T}, the tokens of a batch, is bounded by the model's context.
   *
   * @throws DiagnosticException if the family is unknown, a field is missing or makes no sense, or
   *     a tensor is missing or has another shape than config.json says
   */
  public Module importModel(Checkpoint checkpoint, Graph graph) {
    if (checkpoint.hasWeights()) {
      refuseQuantised(checkpoint.config());
    }
    return build(checkpoint.config(), checkpoint, graph).module();
  }

  /**
   * The tensors that a checkpoint of this config has, in the order in which the model uses them.
   *
   * @throws DiagnosticException as {@link #importModel} does
   */
  public List<RandomTensor> tensors(ModelConfig config) {
    return build(config, null, new Graph()).tensors();
  }

  private record Built(Module module, List<RandomTensor> tensors) {}

  private Built build(ModelConfig config, @Nullable Checkpoint checkpoint, Graph graph) {
    var features = table.of(config);
    features.requireSupported();
    requireKnownLayerTypes(config, features.count("layers"));
    var weights = new Weights(features, checkpoint, graph);
    var decode = new DecoderBuilder(features, weights, graph, cacheDtype).build();
    weights.refuseForgottenBiases();
    long context = features.count("context");
    var module =
        Module.empty(graph)
            .withDim("T", new Module.Bounds(1, context))
            .withDim("S", new Module.Bounds(0, context))
            .withWeights(weights.definitions())
            .withFunction(decode);
    return new Built(module, weights.tensors());
  }

  private static void requireKnownLayerTypes(ModelConfig config, int layers) {
    Optional<List<String>> types = config.optionalStrings("layer_types");
    if (types.isEmpty()) {
      return;
    }
    if (types.get().size() != layers) {
      throw config.invalid(
          "layer_types",
          "has " + types.get().size() + " elements for " + layers + " layers",
          "give it one element per layer");
    }
    for (var type : types.get()) {
      if (!LAYER_TYPES.contains(type)) {
        throw config.invalid(
            "layer_types",
            "has a kind of layer that is not known, '" + type + "'",
            "supported: full_attention, sliding_attention");
      }
    }
  }

  private static void refuseQuantised(ModelConfig config) {
    config
        .optionalObject("quantization_config")
        .flatMap(quantization -> quantization.optionalString("quant_method"))
        .filter(method -> !method.equals("mxfp4"))
        .ifPresent(method -> {
          throw config.invalid(
              "quantization_config",
              "describes weights quantised by '" + method + "', which cannot be imported",
              "take the checkpoint that this one was quantised from");
        });
  }
}
