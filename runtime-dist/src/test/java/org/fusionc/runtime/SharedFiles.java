package org.fusionc.runtime;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Finds the reference models and tokenizers that lie beside the repository. */
public final class SharedFiles {
  private SharedFiles() {}

  /** The file or folder {@code name} of the shared folder; without it the test is skipped. */
  public static Path find(String name) {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null
        && !(Files.isRegularFile(directory.resolve("pom.xml"))
            && Files.isDirectory(directory.resolve("grammar")))) {
      directory = directory.getParent();
    }
    if (directory != null && directory.getParent() != null) {
      Path found = directory.getParent().resolve("shared").resolve(name);
      if (Files.exists(found)) {
        return found;
      }
    }
    return Assumptions.abort("shared/" + name + " is not here: nothing to compare with");
  }
}
