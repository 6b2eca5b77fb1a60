package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.frontend.safetensors.StoredTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * Finds a model's weights by what they are for, and remembers which were asked for.
 *
 * <p>Without a checkpoint, or with one that has no weights, every tensor is taken to be in {@code
 * model.safetensors} under its usual name, in config.json's dtype.
 */
final class Weights {
  private static final String SINGLE_FILE = "model.safetensors";
  private static final Map<String, DType.Scalar> CONFIG_DTYPES =
      Map.of(
          "float32", DType.Scalar.F32,
          "bfloat16", DType.Scalar.BF16,
          "float16", DType.Scalar.F16,
          "float64", DType.Scalar.F64);

  private final Features features;
  private final @Nullable Checkpoint checkpoint;
  private final Graph graph;
  private final DType.Scalar dtypeOfConfig;
  private final Map<String, Module.WeightDef> definitions = new LinkedHashMap<>();
  private final Map<String, RandomTensor> tensors = new LinkedHashMap<>();

  Weights(Features features, @Nullable Checkpoint checkpoint, Graph graph) {
    this.features = features;
    this.checkpoint = checkpoint != null && checkpoint.hasWeights() ? checkpoint : null;
    this.graph = graph;
    this.dtypeOfConfig = dtypeOfConfig(features);
  }

  private static DType.Scalar dtypeOfConfig(Features features) {
    var name = features.config().dtype().orElse("float32");
    var dtype = CONFIG_DTYPES.get(name);
    if (dtype == null) {
      throw features
          .config()
          .invalid(
              features.config().has("dtype") ? "dtype" : "torch_dtype",
              "is not a dtype of weights known here",
              "supported: " + String.join(", ", CONFIG_DTYPES.keySet().stream().sorted().toList()));
    }
    return dtype;
  }

  /** The weights asked for so far, by symbol, in that order. */
  Map<String, Module.WeightDef> definitions() {
    return definitions;
  }

  /** The same as tensors to be initialised. */
  List<RandomTensor> tensors() {
    return List.copyOf(tensors.values());
  }

  /** Whether the family has such a weight at all. */
  boolean has(String weight, int layer) {
    return !features.tensorNames(weight, layer).isEmpty();
  }

  /** Whether the checkpoint has the tensor; false where there are no weights at all. */
  boolean isStored(String weight, int layer) {
    return stored(features.tensorNames(weight, layer)).isPresent();
  }

  boolean isStored(String weight, int layer, UnaryOperator<String> renamed) {
    return stored(features.tensorNames(weight, layer).stream().map(renamed).toList()).isPresent();
  }

  /** Whether the weight is in several tensors, one per {@code part}. */
  boolean isPerPart(String weight, String part, int layer) {
    return features.tensorNames(weight, layer).stream()
        .anyMatch(name -> name.contains("{" + part + "}"));
  }

  /** The weight of that purpose, which must be there with that shape. */
  Value get(String weight, int layer, RandomTensor.Fill fill, long... shape) {
    return get(weight, symbol(weight, layer), layer, UnaryOperator.identity(), fill, shape);
  }

  /** The bias that stands beside a weight: {@code .bias} where that ends in {@code .weight}. */
  Value bias(String weight, int layer, long size) {
    return get(
        weight,
        symbol(weight, layer) + "_bias",
        layer,
        Weights::biasOf,
        RandomTensor.Fill.ZEROS,
        size);
  }

  /**
   * One of several weights of a purpose, such as an expert's.
   *
   * @param part what there are several of, as names of tensors have it in braces: {@code expert}
   */
  Value part(
      String weight, String part, int index, int layer, RandomTensor.Fill fill, long... shape) {
    int dot = weight.lastIndexOf('.');
    var symbol =
        symbol(weight.substring(0, dot) + "." + part + "." + index + weight.substring(dot), layer);
    return get(
        weight,
        symbol,
        layer,
        name -> name.replace("{" + part + "}", Integer.toString(index)),
        fill,
        shape);
  }

  /** The tensor whose name goes on with {@code suffix}. */
  Value suffixed(String weight, String suffix, int layer, long... shape) {
    return get(
        weight,
        symbol(weight, layer) + suffix,
        layer,
        name -> name + suffix,
        RandomTensor.Fill.ZEROS,
        shape);
  }

  static String biasOf(String name) {
    return name.endsWith(".weight")
        ? name.substring(0, name.length() - "weight".length()) + "bias"
        : name + "_bias";
  }

  static String symbol(String weight, int layer) {
    return layer == Evaluator.NO_LAYER ? weight : "layers." + layer + "." + weight;
  }

  private Value get(
      String weight,
      String symbol,
      int layer,
      UnaryOperator<String> renamed,
      RandomTensor.Fill fill,
      long... shape) {
    var names = features.tensorNames(weight, layer).stream().map(renamed).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException(features.family() + " has no tensor for " + weight);
    }
    var dims = new ArrayList<Long>();
    for (long size : shape) {
      dims.add(size);
    }
    var stored = stored(names);
    DType dtype = dtypeOfConfig;
    var file = SINGLE_FILE;
    var name = names.getFirst();
    if (checkpoint != null) {
      var tensor = checkpoint.require(stored.map(StoredTensor::name).orElse(name), dims);
      dtype = dtype(tensor, checkpoint);
      file = tensor.file();
      name = tensor.name();
    }
    var type = Type.tensor(dtype, shape);
    definitions.put(symbol, new Module.WeightDef(symbol, type, new WeightSource.File(file, name)));
    tensors.putIfAbsent(name, new RandomTensor(name, dims, fill));
    return graph.weight(symbol, type);
  }

  private Optional<StoredTensor> stored(List<String> names) {
    if (checkpoint == null) {
      return Optional.empty();
    }
    for (var name : names) {
      for (var candidate : spellings(name)) {
        var found = checkpoint.find(candidate);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  /** The name with each prefix that may stand for the usual one, which comes first. */
  private List<String> spellings(String name) {
    var prefixes = features.prefixes();
    if (prefixes.isEmpty() || !name.startsWith(prefixes.getFirst())) {
      return List.of(name);
    }
    var rest = name.substring(prefixes.getFirst().length());
    return prefixes.stream().map(prefix -> prefix + rest).toList();
  }

  private DType dtype(StoredTensor tensor, Checkpoint from) {
    return switch (tensor.dtype()) {
      case F64 -> DType.Scalar.F64;
      case F32 -> DType.Scalar.F32;
      case F16 -> DType.Scalar.F16;
      case BF16 -> DType.Scalar.BF16;
      case U8 -> DType.Scalar.U8;
      default -> throw unsupported(tensor, from);
    };
  }

  private static DiagnosticException unsupported(StoredTensor tensor, Checkpoint from) {
    return Diagnostic.invalid(
            Location.named(from.directory().resolve(tensor.file()).toString()),
            "tensor '" + tensor.name() + "' is " + tensor.dtype() + ", which cannot be imported",
            "supported: F64, F32, F16, BF16; take a checkpoint that is not quantised")
        .exception();
  }

  /**
   * Stops where the checkpoint has a bias beside a weight that was imported without one: it would
   * be left out of the sums without a word.
   */
  void refuseForgottenBiases() {
    if (checkpoint == null) {
      return;
    }
    for (var name : tensors.keySet()) {
      var bias = biasOf(name);
      var stored = checkpoint.find(bias);
      if (name.endsWith(".weight") && stored.isPresent() && !tensors.containsKey(bias)) {
        throw Diagnostic.invalid(
                Location.named(checkpoint.directory().resolve(stored.get().file()).toString()),
                "there is a tensor '" + bias + "', but by config.json '" + name + "' has no bias",
                "correct the field of config.json that says which layers have biases")
            .exception();
      }
    }
  }
}
