package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.TokenEntry;
import org.fusionc.runtime.net.TokenFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** A file of tokens: refused with a reason, or each entry is written as it was read. */
class TokensFuzzTest {
  private static final String LINE = "0123456789abcdef".repeat(4) + " %s 2030-12-31T23:59:59Z %s\n";

  @TempDir private static Path folder;

  static Stream<byte[]> seeds() {
    return Stream.of(
            "# comment\n" + LINE.formatted("peer", "a") + LINE.formatted("admin", "b"),
            LINE.formatted("client", "same") + LINE.formatted("client", "same"),
            LINE.formatted("nobody", "x"),
            "\n\r\n \t\n#\n",
            LINE.formatted("broker", "c").replace("2030", "+999999999"))
        .map(Seeds::of);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void tokens(byte[] input) throws IOException {
    var file = folder.resolve("tokens");
    Files.write(file, input);
    try {
      for (var entry : TokenFile.read(file)) {
        assertThat(TokenEntry.parse(entry.line())).isEqualTo(entry);
      }
    } catch (DiagnosticException refused) {
      assertThat(refused.getMessage()).isNotBlank().doesNotContain("\n\tat ");
    }
  }
}
