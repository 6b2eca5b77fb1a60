package org.fusionc.ir.interpret;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Batch;

/** A function whose parameters have values that a test writes down. */
final class Hand {
  final Graph graph = new Graph();
  final FunctionBuilder b = new FunctionBuilder(graph, "hand");
  private final List<Datum> inputs = new ArrayList<>();

  /** A parameter with these elements; without dims, a vector. */
  Value of(Scalar dtype, double[] elements, int... dims) {
    var array = new Array(dtype, dims.length == 0 ? new int[] {elements.length} : dims);
    for (int i = 0; i < elements.length; i++) {
      array.set(i, elements[i]);
    }
    inputs.add(array);
    var all = Arrays.stream(array.shape()).mapToObj(Dim::of).toList();
    return b.param("x", Type.tensor(dtype, all));
  }

  Value f32(double... elements) {
    return of(Scalar.F32, elements);
  }

  Value i32(double... elements) {
    return of(Scalar.I32, elements);
  }

  Value bool(double... elements) {
    return of(Scalar.BOOL, elements);
  }

  Value matrix(int rows, int columns, double... elements) {
    return of(Scalar.F32, elements, rows, columns);
  }

  Value at(Batch batch) {
    inputs.add(Datum.of(batch));
    return b.param("at", new Type.Batch(Dim.of(batch.tokens()), Dim.of(batch.outputs().length)));
  }

  /** An empty cache of pages of two positions. */
  Value kv(int heads, int keyDim, int valueDim, Scalar dtype) {
    var type = new Type.Kv(heads, keyDim, valueDim, dtype);
    inputs.add(KvCache.empty(type, 2, 8));
    return b.param("kv", type);
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
