package org.fusionc.testsuite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where the sources of the project are. */
public final class Repository {
  private Repository() {}

  /** The folder that holds the parent pom: the nearest one above the working directory. */
  public static Path root() {
    for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.exists(at.resolve("pom.xml")) && Files.isDirectory(at.resolve("grammar"))) {
        return at;
      }
    }
    throw new IllegalStateException(
        "no folder with pom.xml and grammar/ above " + Path.of("").toAbsolutePath());
  }

  /** Where tests leave what they write: the test suite's build folder. */
  public static Path scratch() {
    return root().resolve("testsuite/target");
  }

  /** Every hand-written Java file of every module, sorted; what a build generates is not among. */
  public static List<Path> javaSources() {
    return javaSources(root());
  }

  /** The Java files below {@code src} folders of the root, leaving out build folders. */
  public static List<Path> javaSources(Path root) {
    try (var files = Files.walk(root)) {
      return files
          .filter(f -> f.toString().endsWith(".java"))
          .filter(f -> {
            var path = "/" + root.relativize(f).toString().replace('\\', '/');
            return path.contains("/src/") && !path.contains("/target/");
          })
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
