package org.fusionc.testsuite.hostile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** Starts a victim without credentials, once for all who attack it. */
final class SharedVictim implements BeforeAllCallback {
  private static final Namespace OWN = Namespace.create(SharedVictim.class);
  private static Running running;

  private record Running(VictimProcess victim, Path data) implements AutoCloseable {
    static Running start() {
      try {
        var data = Files.createTempDirectory("victim");
        return new Running(new VictimProcess(data, null, null), data);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws IOException {
      victim.close();
      try (var files = Files.walk(data)) {
        for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    running =
        context
            .getRoot()
            .getStore(OWN)
            .getOrComputeIfAbsent(Running.class, key -> Running.start(), Running.class);
  }

  static VictimProcess victim() {
    return running.victim;
  }

  /** Where it keeps its data. */
  static Path data() {
    return running.data;
  }
}
