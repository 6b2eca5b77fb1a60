package org.fusionc.ir.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The examples of docs/FIR.md are formatted FIR. */
class FirPageTest {
  private static final Pattern EXAMPLE =
      Pattern.compile("^```fir\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

  private static Path page() {
    var folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("docs/FIR.md"))) {
      folder = folder.getParent();
    }
    assertThat(folder).as("the folder that holds docs/FIR.md").isNotNull();
    return folder.resolve("docs/FIR.md");
  }

  @TestFactory
  List<DynamicTest> examples() throws IOException {
    var examples =
        EXAMPLE.matcher(Files.readString(page())).results().map(m -> m.group(1)).toList();
    assertThat(examples).hasSizeGreaterThanOrEqualTo(3);
    return examples.stream()
        .map(text ->
            DynamicTest.dynamicTest(
                text.lines().skip(2).findFirst().orElse(text),
                () ->
                    assertThat(
                            FirPrinter.print(
                                FirParser.parse(text, "FIR.md", new Graph(), OpRegistry.builtIn())))
                        .isEqualTo(text)))
        .toList();
  }
}
