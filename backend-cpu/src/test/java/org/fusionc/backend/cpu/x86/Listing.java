package org.fusionc.backend.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;

/**
 * Instructions as text and as we encode them, to be compared with what binutils makes of the text.
 */
final class Listing {
  private record Line(String text, byte[] code) {}

  private final List<Line> lines = new ArrayList<>();

  void add(String text, Consumer<Assembler> code) {
    var assembler = new Assembler();
    code.accept(assembler);
    lines.add(new Line(text, assembler.toBytes()));
  }

  int size() {
    return lines.size();
  }

  /** Aborts the test with a message where binutils is absent. */
  void check(Path folder) throws IOException, InterruptedException {
    var source = new StringBuilder(".intel_syntax noprefix\n.text\n");
    lines.forEach(line -> source.append(line.text).append('\n'));
    var text = Files.writeString(folder.resolve("code.s"), source);
    var object = folder.resolve("code.o");
    var binary = folder.resolve("code.bin");
    run("as", "--64", "-o", object.toString(), text.toString());
    run("objcopy", "-O", "binary", "-j", ".text", object.toString(), binary.toString());
    byte[] theirs = Files.readAllBytes(binary);
    int at = 0;
    for (var line : lines) {
      int end = Math.min(theirs.length, at + line.code.length);
      assertThat(hex(Arrays.copyOfRange(theirs, Math.min(at, end), end)))
          .as("%s (at least so far as its length goes)", line.text)
          .isEqualTo(hex(line.code));
      at += line.code.length;
    }
    assertThat(theirs).hasSize(at);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException absent) {
      Assumptions.abort("no binutils here: " + absent.getMessage());
      return;
    }
    String output =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue())
        .as(output.lines().limit(20).reduce("", (a, b) -> a + "\n" + b))
        .isZero();
  }
}
