package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ArchitectureTableTest {
  @Test
  void theIndexNamesEveryRow() throws IOException, URISyntaxException {
    var folder =
        Path.of(
                Objects.requireNonNull(
                        ArchitectureTable.class.getResource("architectures/index.txt"))
                    .toURI())
            .getParent();
    try (var files = Files.list(folder)) {
      assertThat(Files.readAllLines(folder.resolve("index.txt")))
          .containsExactlyInAnyOrderElementsOf(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.endsWith(".arch"))
                  .map(name -> name.replace(".arch", ""))
                  .toList());
    }
  }

  @Test
  void everyFamilyHasASummary() {
    var table = ArchitectureTable.builtIn();
    assertThat(table.families()).contains("llama", "gemma3", "gpt_oss").doesNotContain("decoder");
    assertThat(table.families())
        .allSatisfy(family -> assertThat(table.summary(family)).isNotEmpty());
  }

  @Test
  void aRowMayNotSayWhatTheVocabularyLacks() {
    assertThatThrownBy(() ->
            ArchitectureTable.read(
                List.of(
                    "family decoder \"all\"\nlayers = 1\ntensor embed = null",
                    "family mine \"my own\"\nlayrs = 2")))
        .hasMessage("architecture mine: 'layrs' is not in the vocabulary; did you mean 'layers'?");
  }

  @Test
  void aRowIsLikeAnotherAndSaysWhatDiffers() {
    var text =
        """
        family child "a child"   # of parent
        like parent
        also kid infant
        layers = 1 +
                 2
        """;
    var child = Architecture.read(text);
    assertThat(child.parent()).isEqualTo("parent");
    assertThat(child.aliases()).containsExactly("kid", "infant");
    assertThat(child.features()).containsOnlyKeys("layers");
    assertThat(Objects.requireNonNull(child.features().get("layers")).text()).isEqualTo("1 + 2");
  }

  /** The row that the tutorial shows is the one that is there. */
  @Test
  void theTutorialShowsTheRow() throws IOException, URISyntaxException {
    var page = Files.readString(Path.of("..", "docs", "add-a-model-family.md"));
    int start = page.indexOf("```arch\n") + "```arch\n".length();
    var row =
        Objects.requireNonNull(ArchitectureTable.class.getResource("architectures/olmo.arch"));
    assertThat(page.substring(start, page.indexOf("```", start)))
        .isEqualTo(Files.readString(Path.of(row.toURI())));
  }
}
