package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.stream.Stream;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every family's imported module as text, one reference model each. With {@code
 * -Dtest.arguments=-Dbless=true} the files are written anew.
 */
class ImportedTextTest {
  private static final Path WRITTEN = Path.of("src/test/resources/references");

  /** The first reference model of each family. */
  static Stream<String> families() throws IOException {
    var first = new LinkedHashMap<String, String>();
    for (var name : ReferenceModelsTest.references().toList()) {
      var config =
          ModelConfig.read(ReferenceModelsTest.folder().resolve(name).resolve("config.json"));
      first.putIfAbsent(config.modelType(), name);
    }
    return new ArrayList<>(first.values()).stream();
  }

  @ParameterizedTest
  @MethodSource("families")
  void theImportedTextIs(String name) throws IOException {
    var graph = new Graph();
    try (var checkpoint = Checkpoint.open(ReferenceModelsTest.folder().resolve(name))) {
      var module = new ModelImporter().importModel(checkpoint, graph);
      var text = FirPrinter.print(module);
      assertThat(FirParser.parse(text, name, graph, OpRegistry.builtIn()))
          .as("parse(print(m)) = m")
          .matches(module::sameAs);
      if (Boolean.getBoolean("bless")) {
        Files.writeString(WRITTEN.resolve(name).resolve("model.fir"), text);
      }
      var expected = ReferenceModelsTest.folder().resolve(name).resolve("model.fir");
      assertThat(Boolean.getBoolean("bless") || Files.exists(expected))
          .as("the expectation %s exists; -Dtest.arguments=-Dbless=true writes it", expected)
          .isTrue();
      if (!Boolean.getBoolean("bless")) {
        assertThat(text).isEqualTo(Files.readString(expected));
      }
    }
  }
}
