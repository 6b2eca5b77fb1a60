package org.fusionc.testsuite.filetest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTestRunnerTest {
  private static final String MODULE =
      """
      fir 1.0

      func @f(%x: f32[2]) -> f32[2] {
        %y = neg %x : f32[2]
        return %y
      }
      """;
  private static final String WRONG = MODULE.replace("neg %x", "nge %x");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void chooseFile() {
    file = folder.resolve("a.fir");
  }

  private void run(String text, boolean bless) throws IOException {
    Files.writeString(file, text);
    new FileTestRunner(bless).run(file);
  }

  @Test
  void aFileWithoutAnExpectationFails() {
    assertThatThrownBy(() -> run("// test: print\n" + MODULE, false))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("no expectation");
  }

  @Test
  void aFileWithoutACommandFails() {
    assertThatThrownBy(() -> run(MODULE, false)).hasMessageContaining("'// test:'");
  }

  @Test
  void anotherOutcomeThanExpectedFails() {
    assertThatThrownBy(() -> run("// test: print\n" + MODULE + "// expect:\n// fir 1.0\n", false))
        .hasMessageContaining("but it gives");
  }

  @Test
  void anErrorThatIsNotExpectedFails() {
    assertThatThrownBy(() -> run("// test: verify\n" + WRONG + "// expect: valid\n", false))
        .hasMessageContaining("not expected");
  }

  @Test
  void anErrorOnAnotherLineThanExpectedFails() {
    assertThatThrownBy(() -> run("// test: verify\n// error: nge\n" + WRONG, false))
        .hasMessageContaining("did not come");
  }

  @Test
  void anErrorThatDoesNotComeFails() {
    var text = MODULE.replace("return %y", "return %y  // error: x");
    assertThatThrownBy(() -> run("// test: verify\n" + text, false))
        .hasMessageContaining("errors are expected");
  }

  @Test
  void anUnknownPassIsNotAnErrorOfTheFirstLine() {
    assertThatThrownBy(() -> run("// test: opt -p nonsense // error: nonsense\n" + MODULE, false))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void blessingWritesWhatThenPasses() throws IOException {
    for (var text :
        List.of(
            "// test: print\n" + MODULE,
            "// test: print\n" + MODULE.replace("  ", "      "),
            "// test: verify\n" + WRONG,
            "// test: verify\n" + MODULE,
            "// test: interpret @f\n// input: %x = f32[2] [1.0, -2.5]\n" + MODULE)) {
      run(text, true);
      var blessed = Files.readString(file);
      assertThat(blessed).isNotEqualTo(text).containsAnyOf("// expect:", "// error:");
      assertThatCode(() -> run(blessed, false)).doesNotThrowAnyException();
      run(blessed, true);
      assertThat(file).hasContent(blessed);
    }
  }
}
