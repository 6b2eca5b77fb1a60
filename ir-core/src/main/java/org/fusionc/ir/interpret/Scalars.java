package org.fusionc.ir.interpret;

import java.util.function.DoubleUnaryOperator;
import org.fusionc.ir.op.Activation;

/** Functions of single numbers that Java does not have. */
final class Scalars {
  private Scalars() {}

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static double silu(double x) {
    return x * sigmoid(x);
  }

  static DoubleUnaryOperator function(Activation activation) {
    return switch (activation) {
      case SILU -> Scalars::silu;
      case GELU -> Scalars::gelu;
      case GELU_TANH -> Scalars::geluTanh;
    };
  }

  static double gelu(double x) {
    // ½ erfc(-x/√2) rather than ½ (1 + erf(x/√2)), which cancels for x far below 0.
    return x * 0.5 * erfc(-x / Math.sqrt(2));
  }

  static double geluTanh(double x) {
    return x * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  static double erf(double x) {
    return Math.abs(x) < 2 ? erfSeries(x) : x < 0 ? erfc(-x) - 1 : 1 - erfc(x);
  }

  static double erfc(double x) {
    if (x < 2) {
      return x > -2 ? 1 - erfSeries(x) : 2 - erfc(-x);
    }
    // e^(-x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))), from the inside out.
    double denominator = x;
    for (int k = 80; k > 0; k--) {
      denominator = x + k / 2.0 / denominator;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
  }

  /** 2/√π · e^(-x²) · Σₙ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n+1)); no term has another sign. */
  private static double erfSeries(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  /** xʸ modulo 2⁶⁴; 1/xⁿ truncated for negative exponents. */
  static long pow(long x, long y) {
    if (y < 0) {
      if (x == 0) {
        throw new Problem("0 has no power " + y, "");
      }
      return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
    }
    long power = 1;
    long square = x;
    for (long rest = y; rest > 0; rest >>= 1) {
      if ((rest & 1) == 1) {
        power *= square;
      }
      square *= square;
    }
    return power;
  }
}
