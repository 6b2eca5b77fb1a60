package org.fusionc.broker;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Test data outside the repository, beside it. */
final class SharedFiles {
  private SharedFiles() {}

  /** The directory of a model; without it the test is skipped. */
  static Path model(String name) {
    for (var folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      var found = folder.resolveSibling("shared").resolve("models").resolve(name);
      if (Files.isDirectory(folder.resolve("ir-core")) && Files.isDirectory(found)) {
        return found;
      }
    }
    return Assumptions.abort("there is no ../shared/models/" + name);
  }
}
