package org.fusionc.backend.cpu.kernel;

/** Functions in f64, by their definitions, for the tests of all kernels. */
public final class Definitions {
  private Definitions() {}

  public static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  public static double gelu(double x) {
    return x * 0.5 * erfc(-x / Math.sqrt(2));
  }

  /** With u = √(2/π) (x + 0.044715 x³), ½ x (1 + tanh u). */
  public static double geluTanh(double x) {
    return x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  public static double erf(double x) {
    return Math.abs(x) < 0.5 ? erfSeries(x) : 1 - erfc(x);
  }

  /** The series Σ (-1)^n x^(2n+1) / (n! (2n+1)), good for small x. */
  private static double erfSeries(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 60; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  /** 1 - erf by its series for small arguments, else by the continued fraction. */
  private static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    if (x < 2) {
      return 1 - erfSeries(x);
    }
    if (x > 30) {
      return 0;
    }
    double fraction = 0;
    for (int n = 120; n > 0; n--) {
      fraction = n / 2.0 / (x + fraction);
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
  }
}
