package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * e^x, by range reduction to [-ln 2 / 2, ln 2 / 2] and a polynomial; within 2 ulp. Only additions,
 * products and fused products are used, so interpreted and compiled code give the same bits, which
 * {@code VectorOperators.EXP} does not promise. Below -87 the result is 0, above 88 infinity.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // the coefficients are as published
final class Exponential {
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Adding and taking away this rounds to the nearest integer. */
  private static final float ROUND = 0x1.8p23f;

  private Exponential() {}

  static FloatVector of(FloatVector x) {
    FloatVector bounded = x.max(-87f).min(88.5f);
    FloatVector shifted = bounded.fma(splat(LOG2_E), splat(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(splat(-LN2_HIGH), bounded);
    r = n.fma(splat(-LN2_LOW), r);
    FloatVector p = r.fma(splat(1.9875691500e-4f), splat(1.3981999507e-3f));
    p = p.fma(r, splat(8.3334519073e-3f));
    p = p.fma(r, splat(4.1665795894e-2f));
    p = p.fma(r, splat(1.6666665459e-1f));
    p = p.fma(r, splat(5.0000001201e-1f));
    FloatVector y = p.fma(r.mul(r), r).add(1f);
    IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector scaled = y.reinterpretAsInts().add(power).reinterpretAsFloats();
    return scaled
        .blend(0f, x.compare(VectorOperators.LT, -87f))
        .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, 88.5f));
  }

  static float of(float x) {
    return of(splat(x)).lane(0);
  }

  private static FloatVector splat(float value) {
    return FloatVector.broadcast(Lanes.F32, value);
  }
}
