package org.fusionc.ir.diagnostic;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where a person wants output. What is named is made, and so is a directory that is named itself,
 * but never the directories above it: a mistyped path would give a tree of them instead of a
 * message.
 */
public final class OutputPlace {
  private OutputPlace() {}

  /**
   * Requires that the directory in which the output is to lie is there.
   *
   * @throws DiagnosticException naming the directory that is missing, or is none
   */
  public static void require(Path output) {
    Path folder = output.toAbsolutePath().normalize().getParent();
    if (folder == null || Files.isDirectory(folder)) {
      return;
    }
    Path named = output.getParent() == null ? folder : output.getParent();
    throw Diagnostic.usage(
            output
                + " cannot be written: "
                + (Files.exists(folder)
                    ? named + " is not a directory"
                    : "there is no directory " + named),
            Files.exists(folder) ? "name another place" : "make it first, or name another place")
        .exception();
  }
}
