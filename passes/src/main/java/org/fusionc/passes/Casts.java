package org.fusionc.passes;

import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.DType.Scalar.Kind;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Cast;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * cast(x, dtype of x) → x; cast(cast(x, b), c) → cast(x, c) if b holds every value of x exactly.
 */
final class Casts {
  private Casts() {}

  static @Nullable Value apply(Op op, Rewriting b) {
    return switch (op) {
      case Cast(var x, var to, _) when x.tensorType().dtype().equals(to) -> x;
      case Cast(Cast(var x, var middle, _), var to, _) when isExact(x, middle) -> b.cast(x, to);
      default -> null;
    };
  }

  /** Whether every value of x's dtype is one of {@code to}. */
  static boolean isExact(Value x, DType to) {
    return x.tensorType().dtype() instanceof Scalar from
        && to instanceof Scalar wide
        && isExact(from, wide);
  }

  private static boolean isExact(Scalar from, Scalar to) {
    if (from == to || from.kind() == Kind.BOOL) {
      return true;
    }
    return switch (to.kind()) {
      case BOOL -> false;
      case INT ->
          from.kind() == Kind.INT
              && (isSigned(from) == isSigned(to)
                  ? from.bits() <= to.bits()
                  : isSigned(to) && from.bits() < to.bits());
      case FLOAT ->
          from.kind() == Kind.INT
              ? from.bits() <= significandBits(to)
              : significandBits(from) <= significandBits(to)
                  && exponentBits(from) <= exponentBits(to);
    };
  }

  private static boolean isSigned(Scalar dtype) {
    return dtype.name().startsWith("I");
  }

  private static int significandBits(Scalar dtype) {
    return switch (dtype) {
      case F64 -> 53;
      case F32 -> 24;
      case F16 -> 11;
      case BF16 -> 8;
      case F8E4M3 -> 4;
      case F8E5M2 -> 3;
      default -> 0;
    };
  }

  private static int exponentBits(Scalar dtype) {
    return switch (dtype) {
      case F64 -> 11;
      case F32, BF16 -> 8;
      case F16, F8E5M2 -> 5;
      case F8E4M3 -> 4;
      default -> 0;
    };
  }
}
