package org.fusionc.runtime.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a peer keeps. */
class DataDirectoryTest {
  @TempDir private Path folder;

  /** A peer that gets several stages of one model makes the same folder for each. */
  @Test
  void stagesOfOneArtifactAreGotAtOnce() throws Exception {
    var manifest = ExampleArtifact.compile(folder.resolve("artifact")).manifest();
    try (var data = DataDirectory.open(folder.resolve("data"));
        var threads = Executors.newFixedThreadPool(8)) {
      var folders = new ArrayList<Future<Path>>();
      for (int i = 0; i < 200; i++) {
        folders.add(threads.submit(() -> data.artifact(manifest)));
      }
      for (var each : folders) {
        assertThat(each.get().resolve("index.json")).isRegularFile();
      }
    }
  }
}
