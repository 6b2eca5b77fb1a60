package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;

/** Random choices that favour what breaks compilers: odd sizes, ones, empty and symbolic dims. */
final class Choices {
  /** The ragged batch's symbols. */
  static final Dim TOKENS = Dim.symbol("T");

  static final Dim OUTPUTS = Dim.symbol("S");

  /** A symbol that only tensors have. */
  static final Dim ROWS = Dim.symbol("N");

  private static final List<Scalar> FLOATS =
      List.of(Scalar.F64, Scalar.F16, Scalar.BF16, Scalar.F8E4M3, Scalar.F8E5M2);
  private static final List<Scalar> INTS =
      List.of(
          Scalar.I64,
          Scalar.I32,
          Scalar.I16,
          Scalar.I8,
          Scalar.I4,
          Scalar.U64,
          Scalar.U32,
          Scalar.U16,
          Scalar.U8,
          Scalar.U4);

  private final Random random;
  private final List<Dim> usual = new ArrayList<>();

  Choices(Random random) {
    this.random = random;
    // Few sizes per module, so that shapes meet.
    for (int i = 0; i < 3; i++) {
      usual.add(freshDim());
    }
  }

  Random random() {
    return random;
  }

  /** A number from {@code low} to {@code high}, both included. */
  long between(long low, long high) {
    return low + (long) (random.nextDouble() * (high - low + 1));
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  <T> T oneOf(List<T> all) {
    return all.get(random.nextInt(all.size()));
  }

  @SafeVarargs
  final <T> T oneOf(T... all) {
    return all[random.nextInt(all.length)];
  }

  Dim dim() {
    return chance(0.8) ? oneOf(usual) : freshDim();
  }

  private Dim freshDim() {
    double kind = random.nextDouble();
    if (kind < 0.08) {
      return Dim.of(0);
    }
    if (kind < 0.2) {
      return Dim.of(1);
    }
    if (kind < 0.3) {
      return TOKENS;
    }
    if (kind < 0.35) {
      return ROWS;
    }
    return Dim.of(oneOf(2L, 3L, 4L, 5L, 7L, 8L));
  }

  List<Dim> dims(int mostRank) {
    var dims = new ArrayList<Dim>();
    for (long i = between(0, mostRank); i > 0; i--) {
      dims.add(dim());
    }
    return dims;
  }

  Scalar dtype() {
    double kind = random.nextDouble();
    if (kind < 0.55) {
      return Scalar.F32;
    }
    if (kind < 0.75) {
      return oneOf(FLOATS);
    }
    if (kind < 0.82) {
      return Scalar.I32;
    }
    return kind < 0.95 ? oneOf(INTS) : Scalar.BOOL;
  }

  Type.Tensor tensor() {
    return new Type.Tensor(dtype(), dims(3));
  }

  Type.Batch batch() {
    return new Type.Batch(TOKENS, OUTPUTS);
  }

  /** A static shape; symbols become sizes. */
  Type.Tensor staticTensor(Type.Tensor like) {
    return like.withDims(
        like.dims().stream().map(d -> d.isStatic() ? d : Dim.of(between(1, 4))).toList());
  }

  double number() {
    return oneOf(-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, random.nextGaussian());
  }
}
