package org.fusionc.grammar;

/** Turns the op table into Java records, builders and documentation. */
public final class OpGenerator {
  private OpGenerator() {}

  public static void main(String[] arguments) {}
}
