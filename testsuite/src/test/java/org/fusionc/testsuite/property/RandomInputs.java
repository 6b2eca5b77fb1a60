package org.fusionc.testsuite.property;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.KvCache;

/**
 * Inputs and weights of a function by a seed: small integers, floats of ordinary size, a ragged
 * batch of one or two sequences, empty caches.
 *
 * @param inputs one per parameter
 * @param weights gives the same elements for the same weight each time
 */
public record RandomInputs(List<Datum> inputs, WeightLoader weights) {
  private static final int PAGE_TOKENS = 4;
  private static final int PAGES_PER_SEQUENCE = 8;

  /** Inputs for the function, whose floats are all scaled by {@code 1 + disturbance · noise}. */
  public static RandomInputs of(Module module, Function function, long seed, double disturbance) {
    var random = new Random(seed);
    var sizes = sizes(module, function, seed);
    Batch batch = null;
    var inputs = new ArrayList<Datum>();
    for (var param : function.params()) {
      inputs.add(
          switch (param.type()) {
            case Type.Tensor tensor ->
                Array.of(tensor(tensor, sizes, random.nextLong(), disturbance));
            case Type.Batch at -> {
              batch = batch == null ? batch(at, sizes, random) : batch;
              yield Datum.of(batch);
            }
            case Type.Kv kv -> KvCache.empty(kv, PAGE_TOKENS, 2 * PAGES_PER_SEQUENCE);
            case Type.Tuple tuple -> throw new IllegalArgumentException("no parameter is " + tuple);
          });
    }
    return new RandomInputs(
        inputs,
        weight -> tensor(weight.type(), Map.of(), seed ^ weight.symbol().hashCode(), disturbance));
  }

  private static Map<String, Long> sizes(Module module, Function function, long seed) {
    var symbols = new TreeSet<>(module.dims().keySet());
    for (var param : function.params()) {
      switch (param.type()) {
        case Type.Tensor tensor -> tensor.dims().forEach(d -> symbols.addAll(d.symbols()));
        case Type.Batch at -> {
          symbols.addAll(at.tokens().symbols());
          symbols.addAll(at.outputs().symbols());
        }
        default -> {}
      }
    }
    var sizes = new HashMap<String, Long>();
    for (var symbol : symbols) {
      var bounds = module.dims().getOrDefault(symbol, new Module.Bounds(1, 5));
      long low = Math.max(bounds.min(), 0);
      long high = Math.min(bounds.max(), low + 5);
      // By its name: a pass that declares another dimension must not change this one.
      var own = new Random(seed + 31L * symbol.hashCode());
      sizes.put(symbol, low + own.nextInt((int) (high - low + 1)));
    }
    return sizes;
  }

  private static Batch batch(Type.Batch at, Map<String, Long> sizes, Random random) {
    int tokens = (int) at.tokens().evaluate(sizes);
    int first = random.nextInt(tokens + 1);
    int start = random.nextInt(3);
    var sequence = new int[tokens];
    var position = new int[tokens];
    for (int t = 0; t < tokens; t++) {
      sequence[t] = t < first ? 0 : 1;
      position[t] = t < first ? start + t : t - first;
    }
    var outputs = new int[(int) at.outputs().evaluate(sizes)];
    for (int s = 0; s < outputs.length; s++) {
      outputs[s] = random.nextInt(tokens);
    }
    var pages = new ArrayList<int[]>();
    for (int row = 0; row < 2; row++) {
      var table = new int[PAGES_PER_SEQUENCE];
      for (int i = 0; i < table.length; i++) {
        table[i] = 2 * i + row;
      }
      pages.add(table);
    }
    return new Batch(sequence, position, outputs, pages);
  }

  private static Tensor tensor(
      Type.Tensor type, Map<String, Long> sizes, long seed, double disturbance) {
    var random = new Random(seed);
    var noise = new Random(seed + 1);
    var shape = type.dims().stream().mapToLong((Dim d) -> d.evaluate(sizes)).toArray();
    var dtype = (Scalar) type.dtype();
    var tensor = Tensor.allocate(Arena.ofAuto(), dtype, shape);
    for (long i = 0; i < tensor.elements(); i++) {
      if (dtype.kind() == Scalar.Kind.FLOAT) {
        double value = random.nextGaussian() * (1 + disturbance * noise.nextGaussian());
        Elements.setReal(dtype, tensor.data(), i, value);
      } else {
        Elements.setInteger(dtype, tensor.data(), i, random.nextInt(4));
      }
    }
    return tensor;
  }
}
