package org.fusionc.testsuite.filetest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every {@code *.fir} below {@code filetests} is a test. */
class FileTestsTest {
  private static final boolean BLESS = Boolean.getBoolean("fusionc.bless");

  @TestFactory
  Stream<DynamicTest> filetests() throws IOException {
    var folder = Repository.root().resolve("testsuite/src/test/resources/filetests");
    var runner = new FileTestRunner(BLESS);
    return files(folder).stream()
        .map(file ->
            DynamicTest.dynamicTest(folder.relativize(file).toString(), () -> runner.run(file)));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      return files.filter(f -> f.toString().endsWith(".fir")).sorted().toList();
    }
  }
}
