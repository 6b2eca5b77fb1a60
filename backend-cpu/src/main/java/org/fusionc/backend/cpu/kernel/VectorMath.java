package org.fusionc.backend.cpu.kernel;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;

/**
 * Transcendental functions of whole vectors, each lane by the same IEEE operations wherever it
 * stands, so compiled and interpreted code agree to the bit.
 *
 * <p>The polynomials were fitted for this file by reweighted least squares in the relative error.
 * Methods are kept below the size that the compiler inlines.
 */
final class VectorMath {

  private static final float LOG2_E = 0x1.715476p0f;
  // ln 2 in two parts; the first has trailing zeros, so its product with a small integer is exact.
  private static final float LN2_HIGH = 0x1.63p-1f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding it leaves the nearest integer in the low bits of the sum.
  private static final float ROUND = 0x1.8p23f;
  private static final float LARGEST = 88.72283f;
  private static final float SMALLEST = -87.33654f;

  private static final float SQRT_HALF = 0.70710677f;
  private static final float SQRT_2_OVER_PI = 0.7978846f;

  private VectorMath() {}

  /**
   * e^x within 1.5 ulp; 0 where the result would be below the least normal number (x < -87.34),
   * infinity above 88.72, NaN of NaN.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(splat(LOG2_E), splat(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(splat(-LN2_LOW), n.fma(splat(-LN2_HIGH), x));
    FloatVector p =
        r.fma(splat(0x1.6c6b8ep-10f), splat(0x1.121022p-7f))
            .fma(r, splat(0x1.5555bep-5f))
            .fma(r, splat(0x1.5554d8p-3f))
            .fma(r, splat(0.5f));
    FloatVector e = p.fma(r.mul(r), r).add(1f);
    return e.reinterpretAsInts()
        .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
        .reinterpretAsFloats()
        .blend(Float.POSITIVE_INFINITY, x.compare(GT, LARGEST))
        .blend(0f, x.compare(LT, SMALLEST));
  }

  /** One exponential, with the bits that a lane has. */
  static float exp(float x) {
    return exp(splat(x)).lane(0);
  }

  /** 1 / (1 + e^-x), within 3 ulp. */
  static FloatVector sigmoid(FloatVector x) {
    return splat(1f).div(exp(x.neg()).add(1f));
  }

  /** x · sigmoid(x). */
  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1f));
  }

  /** Within 3 ulp; odd. */
  static FloatVector tanh(FloatVector x) {
    FloatVector a = x.abs();
    FloatVector large = splat(1f).sub(splat(2f).div(exp(a.add(a)).add(1f)));
    FloatVector z = x.mul(x);
    FloatVector p =
        z.fma(splat(-0.0060969316f), splat(0.02099735f))
            .fma(z, splat(-0.053850953f))
            .fma(z, splat(0.13332771f))
            .fma(z, splat(-0.33333328f));
    return large
        .blend(large.neg(), x.compare(LT, 0f))
        .blend(p.fma(z.mul(x), x), a.compare(LT, 0.625f));
  }

  /** erfc(a) for a ≥ 0, relative error 2e-7 plus that of a². */
  private static FloatVector erfcOfPositive(FloatVector a) {
    FloatVector e = exp(a.mul(a).neg());
    FloatVector t = splat(1f).div(a.fma(splat(0.4f), splat(1f)));
    FloatVector p =
        t.fma(splat(-0.028637625f), splat(0.19282612f))
            .fma(t, splat(-0.48663816f))
            .fma(t, splat(0.53123903f))
            .fma(t, splat(-0.2709329f))
            .fma(t, splat(0.26487875f))
            .fma(t, splat(0.13215484f))
            .fma(t, splat(0.21439105f))
            .fma(t, splat(0.22501524f))
            .fma(t, splat(0.22570367f));
    return e.mul(t.mul(p));
  }

  /** The error function, within 4 ulp; odd. */
  static FloatVector erf(FloatVector x) {
    FloatVector a = x.abs();
    FloatVector large = splat(1f).sub(erfcOfPositive(a));
    FloatVector z = x.mul(x);
    FloatVector p =
        z.fma(splat(7.8538535e-05f), splat(-0.00080101914f))
            .fma(z, splat(0.0051883273f))
            .fma(z, splat(-0.026853811f))
            .fma(z, splat(0.112835854f))
            .fma(z, splat(-0.37612626f))
            .fma(z, splat(1.1283791f));
    return large.blend(large.neg(), x.compare(LT, 0f)).blend(p.mul(x), a.compare(LT, 1f));
  }

  /** x · Φ(x) with the normal distribution's Φ, exact in form; the tail keeps relative accuracy. */
  static FloatVector gelu(FloatVector x) {
    FloatVector tail = erfcOfPositive(x.abs().mul(SQRT_HALF)).mul(0.5f);
    return x.mul(tail.blend(splat(1f).sub(tail), x.compare(GE, 0f)));
  }

  /** x · ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), by the equal x · sigmoid of twice the argument. */
  static FloatVector geluTanh(FloatVector x) {
    FloatVector inner = x.mul(x).fma(splat(0.044715f), splat(1f)).mul(x);
    return x.div(exp(inner.mul(-2f * SQRT_2_OVER_PI)).add(1f));
  }

  private static FloatVector splat(float value) {
    return FloatVector.broadcast(Lanes.F32, value);
  }
}
