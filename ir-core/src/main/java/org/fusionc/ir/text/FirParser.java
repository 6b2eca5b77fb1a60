package org.fusionc.ir.text;

import java.util.Optional;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;

/** Reads FIR text. What is read has passed the {@link org.fusionc.ir.Verifier}. */
public final class FirParser {
  /** A module, and what else its text may say. */
  public record Document(Module module, Optional<String> pipeline) {}

  private FirParser() {}

  /**
   * The module of a text.
   *
   * @param fileName as the user gave it, for messages
   * @param graph where the values go: one graph for modules that are to be compared
   * @throws org.fusionc.ir.diagnostic.DiagnosticException with the first 20 errors, each with line
   *     and column
   */
  public static Module parse(String text, String fileName, Graph graph, OpRegistry ops) {
    return parseDocument(text, fileName, graph, ops).module();
  }

  /** The module of a text with the {@code pipeline} that may stand with it. */
  public static Document parseDocument(String text, String fileName, Graph graph, OpRegistry ops) {
    return new ModuleReader(text, fileName, graph, ops).read();
  }
}
