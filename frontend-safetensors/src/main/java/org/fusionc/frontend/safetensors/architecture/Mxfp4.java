package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/**
 * Experts in MXFP4, as gpt-oss is published: {@code _blocks} hold two 4-bit floats (E2M1) a byte,
 * the lower half first, 32 to a block along the last dimension; {@code _scales} hold each block's
 * exponent plus 127. They are widened to bf16, which holds every such number exactly.
 *
 * <p>OCP Microscaling Formats specification 1.0.
 */
final class Mxfp4 {
  private static final int BLOCK = 32;

  /** The value of each 4-bit code: sign, two bits of exponent, one of mantissa. */
  private static final List<Number> CODES =
      Stream.of(0., .5, 1., 1.5, 2., 3., 4., 6., -0., -.5, -1., -1.5, -2., -3., -4., -6.)
          .map(Number.class::cast)
          .toList();

  private final Emitter e;

  Mxfp4(Emitter e) {
    this.e = e;
  }

  boolean isStored(String weight, int layer) {
    return e.weights.isStored(weight, layer, suffixed("_blocks"));
  }

  private static UnaryOperator<String> suffixed(String suffix) {
    return name -> name + suffix;
  }

  /** The tensor {@code [experts, out, in]} in bf16. */
  Value get(String weight, int layer, long experts, long out, long in) {
    long blocks = in / BLOCK;
    var bytes = e.weights.suffixed(weight, "_blocks", layer, experts, out, blocks, BLOCK / 2);
    var scales = e.weights.suffixed(weight, "_scales", layer, experts, out, blocks);
    var wide = e.ops.cast(bytes, DType.Scalar.I32);
    var sixteen = e.ops.constant(Literal.of(16L), Type.tensor(DType.Scalar.I32, new long[0]));
    var high = e.ops.div(wide, sixteen);
    var low = e.ops.sub(wide, e.ops.mul(high, sixteen));
    var codes = e.ops.constant(new Literal(CODES), Emitter.f32(Dim.of(CODES.size())));
    var pair =
        Emitter.f32(Dim.of(experts), Dim.of(out), Dim.of(blocks), Dim.of(BLOCK / 2), Dim.of(1));
    var values =
        e.ops.concat(
            List.of(
                e.ops.reshape(e.ops.gather(codes, low, 0), pair),
                e.ops.reshape(e.ops.gather(codes, high, 0), pair)),
            4);
    var blocked =
        e.ops.reshape(
            values, Emitter.f32(Dim.of(experts), Dim.of(out), Dim.of(blocks), Dim.of(BLOCK)));
    var exponent = e.ops.sub(e.ops.cast(scales, DType.Scalar.F32), e.scalar(127));
    var scale =
        e.ops.reshape(
            e.ops.pow(e.scalar(2), exponent),
            Emitter.f32(Dim.of(experts), Dim.of(out), Dim.of(blocks), Dim.of(1)));
    var scaled = e.ops.cast(e.ops.mul(blocked, scale), DType.Scalar.BF16);
    return e.ops.reshape(scaled, Type.tensor(DType.Scalar.BF16, experts, out, in));
  }
}
