package org.fusionc.ir.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema.TypeMismatch;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/**
 * The result types that the table's patterns cannot say; the table names these with {@code result
 * by}.
 */
final class Inference {
  private Inference() {}

  /**
   * The common shape of broadcast operands, aligned at the last dimension (ONNX, multidirectional).
   */
  static List<Dim> broadcast(List<Dim> x, List<Dim> y) {
    int rank = Math.max(x.size(), y.size());
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < rank; i++) {
      int a = i - rank + x.size();
      int b = i - rank + y.size();
      var left = a < 0 ? Dim.of(1) : x.get(a);
      var right = b < 0 ? Dim.of(1) : y.get(b);
      if (!left.equals(right) && !left.is(1) && !right.is(1)) {
        throw new TypeMismatch(
            "shapes " + x + " and " + y + " do not broadcast: " + left + " is not " + right);
      }
      dims.add(left.is(1) ? right : left);
    }
    return dims;
  }

  private static Type.Tensor tensor(Op op, int operand) {
    return Objects.requireNonNull(op.operands().get(operand)).tensorType();
  }

  static Type broadcast(Op op) {
    var x = tensor(op, 0);
    return x.withDims(broadcast(x.dims(), tensor(op, 1).dims()));
  }

  static Type compare(Op op) {
    return ((Type.Tensor) broadcast(op)).withDtype(Scalar.BOOL);
  }

  static Type where(Where op) {
    var x = op.x().tensorType();
    var dims = broadcast(x.dims(), op.y().tensorType().dims());
    return x.withDims(broadcast(dims, op.condition().tensorType().dims()));
  }

  static Type cast(Cast op) {
    return op.x().tensorType().withDtype(op.to());
  }

  static Type quantize(Quantize op) {
    return op.x().tensorType().withDtype(op.to());
  }

  static Type dequantize(Dequantize op) {
    return op.x().tensorType().withDtype(op.to());
  }

  static Type matmul(Matmul op) {
    var x = op.x().tensorType();
    var y = op.y().tensorType();
    var dims = broadcast(x.dims().subList(0, x.rank() - 2), y.dims().subList(0, y.rank() - 2));
    dims.add(x.dim(-2));
    dims.add(y.dim(-1));
    return x.withDims(dims);
  }

  static Type reduce(Op op) {
    var x = tensor(op, 0);
    @SuppressWarnings("unchecked")
    var axes = (List<Long>) op.attributes().get(0);
    boolean keep = (boolean) op.attributes().get(1);
    var reduced = new boolean[x.rank()];
    Arrays.fill(reduced, axes.isEmpty());
    for (long axis : axes) {
      reduced[axis(axis, x.rank())] = true;
    }
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < x.rank(); i++) {
      if (!reduced[i]) {
        dims.add(x.dim(i));
      } else if (keep) {
        dims.add(Dim.of(1));
      }
    }
    return x.withDims(dims);
  }

  /** An axis counted from the front; negative counts from the end. */
  static int axis(long axis, int rank) {
    long fromFront = axis < 0 ? axis + rank : axis;
    if (fromFront < 0 || fromFront >= rank) {
      throw new TypeMismatch("axis " + axis + " is none of the " + rank + " dimensions");
    }
    return (int) fromFront;
  }

  static Type topK(TopK op) {
    var x = op.x().tensorType();
    if (op.k() < 0 || (x.dim(-1).isStatic() && op.k() > x.dim(-1).value())) {
      throw new TypeMismatch("k = " + op.k() + " is not within the last dimension " + x.dim(-1));
    }
    var values = x.withLast(Dim.of(op.k()));
    return new Type.Tuple(List.of(values, Type.tensor(Scalar.I32, values.dims())));
  }

  static Type transpose(Transpose op) {
    var x = op.x().tensorType();
    var permutation = op.permutation();
    if (permutation.isEmpty()) {
      return x.withDims(x.dims().reversed());
    }
    if (permutation.size() != x.rank() || permutation.stream().distinct().count() != x.rank()) {
      throw new TypeMismatch(permutation + " is no permutation of the dimensions of " + x);
    }
    return x.withDims(permutation.stream().map(p -> x.dim(axis(p, x.rank()))).toList());
  }

  static Type concat(Concat op) {
    if (op.inputs().isEmpty()) {
      throw new TypeMismatch("there is nothing to join");
    }
    for (Value input : op.inputs()) {
      if (!(input.type() instanceof Type.Tensor)) {
        throw new TypeMismatch(input.type() + " is no tensor");
      }
    }
    var first = op.inputs().getFirst().tensorType();
    int axis = axis(op.axis(), first.rank());
    var sum = Dim.of(0);
    for (Value input : op.inputs()) {
      var type = input.tensorType();
      boolean fits = type.rank() == first.rank() && type.dtype().equals(first.dtype());
      for (int i = 0; fits && i < first.rank(); i++) {
        fits = i == axis || type.dim(i).equals(first.dim(i));
      }
      if (!fits) {
        throw new TypeMismatch(type + " does not join with " + first + " along axis " + axis);
      }
      sum = sum.plus(type.dim(axis));
    }
    var dims = new ArrayList<>(first.dims());
    dims.set(axis, sum);
    return first.withDims(dims);
  }

  static Type slice(Slice op) {
    var x = op.x().tensorType();
    int axis = axis(op.axis(), x.rank());
    if (op.step() < 1 || op.start() < 0 || op.end() < op.start()) {
      throw new TypeMismatch(
          "the range %d:%d:%d is not ascending".formatted(op.start(), op.end(), op.step()));
    }
    if (x.dim(axis).isStatic() && op.end() > x.dim(axis).value()) {
      throw new TypeMismatch(
          "the end %d is beyond dimension %d of %s".formatted(op.end(), axis, x));
    }
    var dims = new ArrayList<>(x.dims());
    dims.set(axis, Dim.of(Math.ceilDiv(op.end() - op.start(), op.step())));
    return x.withDims(dims);
  }

  static Type gather(Gather op) {
    var x = op.x().tensorType();
    int axis = axis(op.axis(), x.rank());
    var dims = new ArrayList<>(x.dims().subList(0, axis));
    dims.addAll(op.indices().tensorType().dims());
    dims.addAll(x.dims().subList(axis + 1, x.rank()));
    return x.withDims(dims);
  }

  static Type attention(Op op) {
    var q = tensor(op, 0);
    var kv = (Type.Kv) Objects.requireNonNull(op.operands().get(1)).type();
    return q.withDims(List.of(q.dim(0), q.dim(1), Dim.of(kv.valueDim())));
  }

  static Type halves(Op op) {
    var x = tensor(op, 0);
    var half =
        x.dim(-1)
            .dividedBy(2)
            .orElseThrow(() -> new TypeMismatch("the last dimension of " + x + " is odd"));
    return x.withLast(half);
  }

  static Type gatedLinear(Op op) {
    var weight = tensor(op, 1);
    var half =
        weight
            .dim(0)
            .dividedBy(2)
            .orElseThrow(() ->
                new TypeMismatch(
                    "the first dimension of "
                        + weight
                        + " is odd; its halves are the gate's channels and the up projection's"));
    return tensor(op, 0).withLast(half);
  }

  static Type if_(If op) {
    return bodyType(op.then());
  }

  static Type fused(Fused op) {
    var wrong = Constraints.takes(op.body(), op.inputs());
    if (wrong != null) {
      throw new TypeMismatch(wrong);
    }
    return bodyType(op.body());
  }

  private static Type bodyType(Function body) {
    var types = body.resultTypes();
    return types.size() == 1 ? types.getFirst() : new Type.Tuple(types);
  }
}
