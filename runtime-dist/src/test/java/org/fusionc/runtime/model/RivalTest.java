package org.fusionc.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Figures of other programs, read from what they print. */
class RivalTest {
  private static final List<String> TESTS = List.of("pp256", "tg32");

  private static Rival rival(String command) {
    return Rival.of(command, Rival.DEFAULT_PATTERN, Duration.ofSeconds(60));
  }

  @Test
  void aTableOfTestsAndRatesIsRead() {
    var table =
        """
        | model    |     size | params | backend | threads |  test |           t/s |
        | llama 1B | 729.75 MiB | 1.24 B | CPU  |       2 | pp256 | 290.12 ± 1.20 |
        | llama 1B | 729.75 MiB | 1.24 B | CPU  |       2 |  tg32 |  51.03 ± 0.10 |
        """;
    assertThat(rival("").rates(table, TESTS)).containsExactly(290.12, 51.03);
  }

  @Test
  void whatThisProgramPrintsIsRead() {
    var json =
        "[{\"test\":\"pp256\",\"tokens_per_second\":1.5e2,\"load_ms\":7},"
            + "{\"test\":\"tg32@d64x4\",\"tokens_per_second\":2}]";
    assertThat(rival("").rates(json, List.of("pp256", "tg32@d64x4"))).containsExactly(150.0, 2.0);
    assertThat(rival("").rates("pp256   12.5 tokens/s\ntg32  3 tokens/s", TESTS))
        .containsExactly(12.5, 3.0);
  }

  @Test
  void aPatternWithoutTestsTakesThemInOrder() {
    var rival = Rival.of("", "(?<rate>[0-9.]+) tok/s", Duration.ofSeconds(1));
    assertThat(rival.rates("prefill 10.5 tok/s, decode 2 tok/s", TESTS)).containsExactly(10.5, 2.0);
  }

  @Test
  void theCommandIsRunByTheShell() {
    assertThat(rival("printf 'pp256 %d\\n' 7; echo tg32 = 8").run(TESTS)).containsExactly(7.0, 8.0);
  }

  @Test
  void whatGoesWrongIsSaid() {
    assertThatThrownBy(() -> rival("echo oh no; exit 3").run(TESTS))
        .hasMessageContaining("exit code 3")
        .hasMessageContaining("oh no");
    assertThatThrownBy(() -> rival("echo pp256 7").run(TESTS))
        .hasMessageContaining("no figure for the test tg32");
    var slow = Rival.of("sleep 30", Rival.DEFAULT_PATTERN, Duration.ofMillis(50));
    assertThatThrownBy(() -> slow.run(TESTS)).hasMessageContaining("took more than");
    assertThatThrownBy(() -> Rival.of("", "(", Duration.ofSeconds(1)))
        .hasMessageContaining("no regular expression");
    assertThatThrownBy(() -> Rival.of("", "[0-9]+", Duration.ofSeconds(1)))
        .hasMessageContaining("no group named rate");
  }
}
