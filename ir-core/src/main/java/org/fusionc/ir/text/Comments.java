package org.fusionc.ir.text;

/** The keys under which {@link org.fusionc.ir.Module#comments} keeps the comments of items. */
final class Comments {
  /** Above {@code fir 1.0}. */
  static final String HEADER = "fir";

  static final String PIPELINE = "pipeline";

  /** Below the last item. */
  static final String END = "end";

  private Comments() {}

  static String dim(String symbol) {
    return "dim " + symbol;
  }

  static String weight(String symbol) {
    return "weight " + symbol;
  }

  static String function(String name) {
    return "func " + name;
  }

  static String plan(String name) {
    return "plan " + name;
  }

  /** Above a line of a plan: the {@code index}-th of its kind, from 0. */
  static String planLine(String plan, String kind, int index) {
    return plan(plan) + " " + kind + " " + index;
  }

  /** Above a plan's closing brace. */
  static String planEnd(String plan) {
    return plan(plan) + " end";
  }
}
