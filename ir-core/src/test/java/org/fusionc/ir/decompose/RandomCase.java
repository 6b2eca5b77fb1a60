package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Param;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.interpret.KvCache;

/**
 * A function under construction with random inputs for its parameters. Tokens are the symbol T,
 * outputs the symbol S; the batch is ragged, its sequences partly in the cache already.
 */
final class RandomCase {
  static final Dim T = Dim.symbol("T");
  private static final int PAGE_TOKENS = 3;
  private static final int PAGES = 16;

  final Graph graph = new Graph();
  final FunctionBuilder b = new FunctionBuilder(graph, "case");
  final List<Datum> inputs = new ArrayList<>();
  final Random random;
  final int[] starts;
  private final Batch batch;

  RandomCase(long seed) {
    this(seed, new Random(seed).nextInt(1, 4));
  }

  /** With this many sequences; of none there are no tokens. */
  RandomCase(long seed, int sequences) {
    random = new Random(seed);
    starts = new int[sequences];
    var pages = new ArrayList<int[]>();
    var free = new ArrayList<Integer>();
    for (int i = 0; i < PAGES; i++) {
      free.add(i);
    }
    var sequence = new ArrayList<Integer>();
    var position = new ArrayList<Integer>();
    for (int s = 0; s < starts.length; s++) {
      starts[s] = random.nextInt(0, 8);
      int count = random.nextInt(1, 6);
      for (int i = 0; i < count; i++) {
        sequence.add(s);
        position.add(starts[s] + i);
      }
      pages.add(pages(free, starts[s] + count));
    }
    var outputs = new TreeSet<Integer>();
    for (int s = 0; s < starts.length; s++) {
      outputs.add(random.nextInt(sequence.size()));
    }
    batch = new Batch(array(sequence), array(position), array(outputs), pages);
  }

  private int[] pages(List<Integer> free, int positions) {
    int[] ids = new int[Math.ceilDiv(positions, PAGE_TOKENS)];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = free.remove(random.nextInt(free.size()));
    }
    return ids;
  }

  private static int[] array(Iterable<Integer> list) {
    var result = new ArrayList<Integer>();
    list.forEach(result::add);
    return result.stream().mapToInt(Integer::intValue).toArray();
  }

  int tokens() {
    return batch.tokens();
  }

  /** A parameter of normally distributed numbers. */
  Value normal(Scalar dtype, Object... dims) {
    var array = new Array(dtype, sizes(dims));
    for (int i = 0; i < array.size(); i++) {
      array.set(i, random.nextGaussian());
    }
    return param(array, dims);
  }

  /** A parameter of integers below a limit. */
  Value integers(Scalar dtype, int limit, Object... dims) {
    var array = new Array(dtype, sizes(dims));
    for (int i = 0; i < array.size(); i++) {
      array.set(i, (long) random.nextInt(limit));
    }
    return param(array, dims);
  }

  private Value param(Array array, Object... dims) {
    inputs.add(array);
    var all = new ArrayList<Dim>();
    for (var dim : dims) {
      all.add(dim instanceof Dim d ? d : Dim.of((int) dim));
    }
    return b.param("x", Type.tensor(array.dtype(), all));
  }

  private int[] sizes(Object... dims) {
    int[] sizes = new int[dims.length];
    for (int i = 0; i < dims.length; i++) {
      sizes[i] = dims[i] instanceof Dim ? tokens() : (int) dims[i];
    }
    return sizes;
  }

  Param at() {
    inputs.add(Datum.of(batch));
    return b.param("at", new Type.Batch(T, Dim.symbol("S")));
  }

  /** A cache that holds what each sequence had before this batch. */
  Param kv(int heads, int keyDim, int valueDim, Scalar dtype) {
    var type = new Type.Kv(heads, keyDim, valueDim, dtype);
    var sequence = new ArrayList<Integer>();
    var position = new ArrayList<Integer>();
    for (int s = 0; s < starts.length; s++) {
      for (int p = 0; p < starts[s]; p++) {
        sequence.add(s);
        position.add(p);
      }
    }
    var before = new Batch(array(sequence), array(position), new int[0], batch.pages());
    var fill = new FunctionBuilder(graph, "fill");
    var n = Dim.symbol("N");
    var kv = fill.param("kv", type);
    var k = fill.param("k", Type.tensor(Scalar.F32, n, Dim.of(heads), Dim.of(keyDim)));
    var v = fill.param("v", Type.tensor(Scalar.F32, n, Dim.of(heads), Dim.of(valueDim)));
    var at = fill.param("at", new Type.Batch(n, Dim.of(0)));
    var filled =
        Interpreter.run(
            Module.empty(graph),
            fill.build(fill.kvAppend(kv, k, v, at)),
            List.of(
                KvCache.empty(type, PAGE_TOKENS, PAGES),
                gaussian(sequence.size(), heads, keyDim),
                gaussian(sequence.size(), heads, valueDim),
                Datum.of(before)),
            weight -> {
              throw new IllegalStateException();
            });
    inputs.add(filled.getFirst());
    return b.param("kv", type);
  }

  private Array gaussian(int... shape) {
    var array = new Array(Scalar.F32, shape);
    for (int i = 0; i < array.size(); i++) {
      array.set(i, random.nextGaussian());
    }
    return array;
  }

  List<Datum> run(Function function) {
    return Interpreter.run(
        Module.empty(graph),
        function,
        inputs,
        weight -> {
          throw new IllegalStateException();
        });
  }
}
