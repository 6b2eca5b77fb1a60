package org.fusionc.ir.op;

import java.util.HashSet;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema.TypeMismatch;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/**
 * The constraints that the table's patterns cannot say; the table names these with {@code check …
 * by}. Each answers null, or what is wrong.
 */
final class Constraints {
  private Constraints() {}

  private static @Nullable String tensorResult(Op op) {
    return op.type() instanceof Type.Tensor ? null : "it is " + op.type();
  }

  static @Nullable String constantSize(Constant op) {
    if (!(op.type() instanceof Type.Tensor type)) {
      return tensorResult(op);
    }
    int given = op.value().elements().size();
    return given == 1 || type.size().is(given) ? null : given + " are given for " + type;
  }

  static @Nullable String constantElements(Constant op) {
    if (!(op.tensorType().dtype() instanceof Scalar dtype)) {
      return "it is " + op.type();
    }
    return op.value().elements().stream()
        .filter(element -> !has(dtype, element))
        .findFirst()
        .map(element -> element + " is none of " + dtype)
        .orElse(null);
  }

  /** Whether a number can be an element; floats are rounded. */
  private static boolean has(Scalar dtype, Number element) {
    if (dtype.kind() == Scalar.Kind.FLOAT) {
      return true;
    }
    if (!(element instanceof Long integer)) {
      return false;
    }
    if (dtype.kind() == Scalar.Kind.BOOL) {
      return integer == 0 || integer == 1;
    }
    // 64 bits hold every literal; an unsigned one as its bits.
    int bits = (int) dtype.bits();
    boolean signed = dtype.name().startsWith("I");
    return bits == Long.SIZE
        || (signed
            ? integer >> (bits - 1) == 0 || integer >> (bits - 1) == -1
            : integer >> bits == 0);
  }

  static @Nullable String iotaAxis(Iota op) {
    return op.type() instanceof Type.Tensor type ? withinRank(op.axis(), type) : tensorResult(op);
  }

  static @Nullable String axis(Softmax op) {
    return withinRank(op.axis(), op.x().tensorType());
  }

  private static @Nullable String withinRank(long axis, Type.Tensor type) {
    return axis >= -type.rank() && axis < type.rank() ? null : axis + " is none of " + type;
  }

  static @Nullable String reduceAxes(ReduceSum op) {
    return axes(op.axes(), op.x());
  }

  static @Nullable String reduceAxes(ReduceMean op) {
    return axes(op.axes(), op.x());
  }

  static @Nullable String reduceAxes(ReduceMax op) {
    return axes(op.axes(), op.x());
  }

  private static @Nullable String axes(List<Long> axes, Value x) {
    var type = x.tensorType();
    var seen = new HashSet<Long>();
    for (long axis : axes) {
      if (withinRank(axis, type) != null || !seen.add(axis < 0 ? axis + type.rank() : axis)) {
        return axes + " for " + type;
      }
    }
    return null;
  }

  static @Nullable String sameDtype(Reshape op) {
    return sameDtype(op, op.x());
  }

  static @Nullable String sameDtype(BroadcastTo op) {
    return sameDtype(op, op.x());
  }

  private static @Nullable String sameDtype(Op op, Value x) {
    return op.type() instanceof Type.Tensor t && t.dtype().equals(x.tensorType().dtype())
        ? null
        : op.type() + " from " + x.type();
  }

  static @Nullable String reshapeSize(Reshape op) {
    var from = op.x().tensorType().size();
    var to = op.tensorType().size();
    return from.equals(to)
        ? null
        : "%s has %s elements, %s has %s".formatted(op.x().type(), from, op.type(), to);
  }

  static @Nullable String quantizeDtype(Quantize op) {
    return op.to() instanceof DType.Quantized to && to.isPacked() ? null : "to = " + op.to();
  }

  static @Nullable String dequantizeDtype(Dequantize op) {
    return op.to().isFloat() ? null : "to = " + op.to();
  }

  static @Nullable String gatherGroups(Gather op) {
    var x = op.x().tensorType();
    return x.dtype() instanceof DType.Quantized
            && Inference.axis(op.axis(), x.rank()) == x.rank() - 1
        ? "axis = " + op.axis() + " of " + x
        : null;
  }

  static @Nullable String broadcasts(BroadcastTo op) {
    var to = op.tensorType().dims();
    try {
      return Inference.broadcast(op.x().tensorType().dims(), to).equals(to)
          ? null
          : op.x().type() + " does not fit " + op.type();
    } catch (TypeMismatch mismatch) {
      return mismatch.getMessage();
    }
  }

  static @Nullable String ifBodies(If op) {
    var wrong = takes(op.then(), op.arguments());
    wrong = wrong != null ? wrong : takes(op.else_(), op.arguments());
    if (wrong != null) {
      return wrong;
    }
    return op.then().resultTypes().equals(op.else_().resultTypes())
        ? null
        : op.then().resultTypes() + " and " + op.else_().resultTypes();
  }

  /** Null if the body's parameters have the inputs' types. */
  static @Nullable String takes(Function body, List<Value> inputs) {
    var expected = body.params().stream().map(Value::type).toList();
    var given = inputs.stream().map(Value::type).toList();
    return expected.equals(given) ? null : "the body takes " + expected + " but is given " + given;
  }

  static @Nullable String ropeFrequenciesResult(RopeFrequencies op) {
    return op.type() instanceof Type.Tensor t
            && t.dtype() == Scalar.F32
            && t.rank() == 1
            && t.isStatic()
        ? null
        : "it is " + op.type();
  }

  static @Nullable String ropeFrequenciesFactors(RopeFrequencies op) {
    return !op.scaling().equals("longrope") || op.tensorType().dim(0).is(op.factors().size())
        ? null
        : op.factors().size() + " factors for " + op.type();
  }

  static @Nullable String ropeWidth(Rope op) {
    return ropeWidth(op.freqs(), op.x());
  }

  static @Nullable String ropeWidth(RopeKvAppend op) {
    return ropeWidth(op.freqs(), op.k());
  }

  static @Nullable String ropeWidth(RopeAttention op) {
    return ropeWidth(op.freqs(), op.q());
  }

  private static @Nullable String ropeWidth(Value freqs, Value heads) {
    var pairs = freqs.tensorType().dim(0);
    var width = heads.tensorType().dim(-1);
    return pairs.isStatic() && width.isStatic() && 2 * pairs.value() <= width.value()
        ? null
        : "2 · " + pairs + " against " + width;
  }

  static @Nullable String attentionHeads(Attention op) {
    return attentionHeads(op.q(), op.kv());
  }

  static @Nullable String attentionHeads(RopeAttention op) {
    return attentionHeads(op.q(), op.kv());
  }

  private static @Nullable String attentionHeads(Value q, Value kv) {
    var heads = q.tensorType().dim(1);
    long kvHeads = ((Type.Kv) kv.type()).heads();
    return heads.isStatic() && heads.value() % kvHeads == 0 ? null : heads + " and " + kvHeads;
  }

  static @Nullable String attentionLimits(Attention op) {
    return attentionLimits(op.window(), op.softcap());
  }

  static @Nullable String attentionLimits(RopeAttention op) {
    return attentionLimits(op.window(), op.softcap());
  }

  private static @Nullable String attentionLimits(long window, double softcap) {
    return window >= 0 && softcap >= 0
        ? null
        : "window = %d, softcap = %s".formatted(window, softcap);
  }

  static @Nullable String kvKeysResult(KvKeys op) {
    var kv = (Type.Kv) op.kv().type();
    return entries(op, kv.heads(), kv.keyDim());
  }

  static @Nullable String kvValuesResult(KvValues op) {
    var kv = (Type.Kv) op.kv().type();
    return entries(op, kv.heads(), kv.valueDim());
  }

  private static @Nullable String entries(Op op, long heads, long width) {
    return op.type() instanceof Type.Tensor t
            && t.dtype() == Scalar.F32
            && t.rank() == 3
            && t.dim(1).equals(Dim.of(heads))
            && t.dim(2).equals(Dim.of(width))
        ? null
        : "it is " + op.type();
  }

  static @Nullable String indexVector(KvPositions op) {
    return indexVector((Op) op);
  }

  static @Nullable String indexVector(KvSequences op) {
    return indexVector((Op) op);
  }

  private static @Nullable String indexVector(Op op) {
    return op.type() instanceof Type.Tensor t && t.dtype() == Scalar.I32 && t.rank() == 1
        ? null
        : "it is " + op.type();
  }

  static @Nullable String softcapPositive(Softcap op) {
    return op.cap() > 0 ? null : "cap = " + op.cap();
  }
}
