package org.fusionc.ir.interpret;

/**
 * What is wrong with the values that an evaluator met; the interpreter adds the op and its place.
 */
final class Problem extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String remedy;

  Problem(String message, String remedy) {
    super(message);
    this.remedy = remedy;
  }

  String remedy() {
    return remedy;
  }
}
