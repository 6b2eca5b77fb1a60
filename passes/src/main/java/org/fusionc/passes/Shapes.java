package org.fusionc.passes;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Op;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Transpose;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * reshape, broadcast_to, transpose, slice and concat that change nothing → x; two of a kind → one;
 * slice(concat(…, x, …)) at x's place → x; concat of neighbouring slices → one slice; x + y
 * broadcast → x + y where the op broadcasts by itself; axes counted from the front.
 */
final class Shapes {
  private Shapes() {}

  static @Nullable Value apply(Op op, Rewriting b) {
    return switch (op) {
      case Reshape(var x, var type) when x.type().equals(type) -> x;
      case Reshape(Reshape(var x, _), var type) -> b.reshape(x, type);
      case Reshape(Constant(var value, _), var type) -> b.constant(value, type);
      case BroadcastTo(var x, var type) when x.type().equals(type) -> x;
      case BroadcastTo(BroadcastTo(var x, _), var type) -> b.broadcastTo(x, type);
      case BroadcastTo(Constant(var value, _), var type) when value.isSplat() ->
          b.constant(value, type);
      case Transpose(var x, var permutation, _) -> transpose(x, permutation, b);
      case Slice slice -> slice(slice, b);
      case Concat concat -> concat(concat, b);
      case Trait.Elementwise elementwise when op.inputs().size() > 1 -> implicit(elementwise, b);
      default -> null;
    };
  }

  /** A permutation spelled out; an empty one reverses. */
  private static List<Long> spelled(List<Long> permutation, int rank) {
    return permutation.isEmpty()
        ? LongStream.range(0, rank).map(i -> rank - 1 - i).boxed().toList()
        : permutation.stream().map(p -> p < 0 ? p + rank : p).toList();
  }

  private static @Nullable Value transpose(Value x, List<Long> permutation, Rewriting b) {
    int rank = x.tensorType().rank();
    var outer = spelled(permutation, rank);
    if (outer.equals(LongStream.range(0, rank).boxed().toList())) {
      return x;
    }
    if (x instanceof Transpose(var y, var innerPermutation, _)) {
      var inner = spelled(innerPermutation, rank);
      return b.transpose(y, outer.stream().map(p -> inner.get(p.intValue())).toList());
    }
    boolean reverses = outer.equals(spelled(List.of(), rank));
    var canonical = reverses ? List.<Long>of() : outer;
    return canonical.equals(permutation) ? null : b.transpose(x, canonical);
  }

  private static @Nullable Value slice(Slice op, Rewriting b) {
    int rank = op.x().tensorType().rank();
    if (op.axis() < 0) {
      return b.slice(op.x(), op.axis() + rank, op.start(), op.end(), op.step());
    }
    int axis = (int) op.axis();
    if (op.start() == 0 && op.step() == 1 && op.x().tensorType().dim(axis).is(op.end())) {
      return op.x();
    }
    if (op.x() instanceof Slice inner && inner.axis() == op.axis()) {
      long start = inner.start() + op.start() * inner.step();
      long end = inner.start() + (op.end() - 1) * inner.step() + 1;
      return op.end() == op.start()
          ? null
          : b.slice(inner.x(), axis, start, end, inner.step() * op.step());
    }
    if (op.x() instanceof Concat joined && joined.axis() == op.axis()) {
      return fromConcat(op, joined, b);
    }
    return null;
  }

  /** The slice of the one input that it falls into. */
  private static @Nullable Value fromConcat(Slice op, Concat joined, Rewriting b) {
    long start = 0;
    for (var input : joined.inputs()) {
      var size = input.tensorType().dim((int) op.axis());
      if (!size.isStatic()) {
        return null;
      }
      long end = start + size.value();
      if (start <= op.start() && op.end() <= end && op.start() < op.end()) {
        return b.slice(input, op.axis(), op.start() - start, op.end() - start, op.step());
      }
      start = end;
    }
    return null;
  }

  private static @Nullable Value concat(Concat op, Rewriting b) {
    int rank = op.tensorType().rank();
    if (op.axis() < 0) {
      return b.concat(op.inputs(), op.axis() + rank);
    }
    if (op.inputs().size() == 1) {
      return op.inputs().getFirst();
    }
    var inputs = new ArrayList<Value>();
    for (var input : op.inputs()) {
      if (input instanceof Concat inner && inner.axis() == op.axis()) {
        inputs.addAll(inner.inputs());
      } else if (!input.tensorType().dim((int) op.axis()).equals(Dim.of(0))) {
        append(inputs, input, op.axis(), b);
      }
    }
    return inputs.isEmpty() || inputs.equals(op.inputs()) ? null : b.concat(inputs, op.axis());
  }

  /** Adds an input, joined with the one before if both are neighbouring slices of one value. */
  private static void append(List<Value> inputs, Value input, long axis, Rewriting b) {
    if (!inputs.isEmpty()
        && inputs.getLast() instanceof Slice(var x, var ax, var start, var end, var step, _)
        && input instanceof Slice(var y, var ay, var next, var last, var other, _)
        && x.equals(y)
        && ax == axis
        && ay == axis
        && end == next
        && step == 1
        && other == 1) {
      inputs.set(inputs.size() - 1, b.slice(x, axis, start, last, 1));
    } else {
      inputs.add(input);
    }
  }

  /** Leaves a broadcast to the op, if the result is of the same shape without it. */
  private static @Nullable Value implicit(Op op, Rewriting b) {
    for (int i = 0; i < op.operands().size(); i++) {
      if (op.operands().get(i) instanceof BroadcastTo(var x, _)) {
        var operands = new ArrayList<>(op.operands());
        operands.set(i, x);
        if (op.schema().operands().stream().anyMatch(o -> o.pattern().toString().contains("*S"))) {
          continue; // all operands are of one shape: it does not broadcast
        }
        var shorter = b.onOperands(op, operands);
        if (shorter.type().equals(op.type())) {
          return shorter;
        }
      }
    }
    return null;
  }
}
