package org.fusionc.testsuite.property;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fusionc.ir.Module;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.testsuite.Repository;

/** Keeps what failed, small, as a file test that can be committed as a regression. */
final class Failures {
  private Failures() {}

  /** Writes the module under a file test's header, and answers what to tell. */
  static String keep(String name, String test, Module module, String problem) {
    var file = Repository.root().resolve("testsuite/target/property-failures/" + name + ".fir");
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, "// test: %s\n%s".formatted(test, FirPrinter.print(module)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "%s%nsmallest module that shows it: %s%n%s"
        .formatted(problem, relative(file), FirPrinter.print(module));
  }

  private static Path relative(Path file) {
    return Repository.root().relativize(file);
  }
}
