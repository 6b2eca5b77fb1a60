package org.fusionc.testsuite.filetest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A file test: FIR text whose comments say what to do with it and what comes out.
 *
 * <pre>
 * // test: opt -p dce              the command; README.md beside the tests lists them
 * // input: %x = f32[2] [1.0, 2.0] for interpret
 * fir 1.0
 * …
 * // problem: the dimension T       an error that has no place in the text
 * // error: rms_norm (C2)          at the end of a line, or alone above it: an error of that line
 * // expect:                       what comes out, as comment lines up to the end of the file;
 * // fir 1.0                       or "// expect: unchanged", "// expect: valid"
 * </pre>
 *
 * @param lines the whole file
 * @param command what stands after {@code // test:}
 * @param inputs what stands after each {@code // input:}
 * @param errors what is expected of which line
 * @param expectation the lines after {@code // expect:}; empty if there is none
 */
record FileTest(
    Path file,
    List<String> lines,
    String command,
    List<String> inputs,
    List<ExpectedError> errors,
    Optional<String> expectation) {
  private static final String TEST = "// test:";
  private static final String INPUT = "// input:";
  private static final String ERROR = "// error:";
  private static final String PROBLEM = "// problem:";
  private static final String EXPECT = "// expect:";

  /**
   * @param line 1-based; 0 for an error that has no place in the text
   * @param message what the diagnostic's text contains
   */
  record ExpectedError(int line, String message) {}

  static FileTest read(Path file) throws IOException {
    var lines = Files.readAllLines(file);
    var command = new ArrayList<String>();
    var inputs = new ArrayList<String>();
    var errors = new ArrayList<ExpectedError>();
    Optional<String> expectation = Optional.empty();
    for (int i = 0; i < lines.size() && expectation.isEmpty(); i++) {
      var line = lines.get(i);
      if (line.startsWith(TEST)) {
        command.add(line.substring(TEST.length()).strip());
      } else if (line.startsWith(INPUT)) {
        inputs.add(line.substring(INPUT.length()).strip());
      } else if (line.startsWith(PROBLEM)) {
        errors.add(new ExpectedError(0, line.substring(PROBLEM.length()).strip()));
      } else if (line.startsWith(EXPECT)) {
        expectation = Optional.of(expected(lines.subList(i, lines.size())));
      } else if (line.contains(ERROR)) {
        int at = line.indexOf(ERROR);
        // A comment that stands alone speaks of the next line.
        int of = line.substring(0, at).isBlank() ? i + 2 : i + 1;
        errors.add(new ExpectedError(of, line.substring(at + ERROR.length()).strip()));
      }
    }
    if (command.size() != 1) {
      throw new AssertionError(file + " has " + command.size() + " '// test:' lines, not one");
    }
    return new FileTest(file, lines, command.getFirst(), inputs, errors, expectation);
  }

  private static String expected(List<String> lines) {
    var first = lines.getFirst().substring(EXPECT.length()).strip();
    var text = new StringBuilder(first.isEmpty() ? "" : first + "\n");
    for (var line : lines.subList(1, lines.size())) {
      int slashes = line.startsWith("// ") ? 3 : Math.min(2, line.length());
      text.append(line.substring(slashes)).append('\n');
    }
    return text.toString();
  }

  /** The FIR text without what is the test's; lines keep their numbers. */
  String source() {
    var text = new StringBuilder();
    for (var line : lines) {
      if (line.startsWith(EXPECT)) {
        break;
      }
      boolean isDirective =
          line.startsWith(TEST) || line.startsWith(INPUT) || line.startsWith(PROBLEM);
      int error = line.indexOf(ERROR);
      var fir = error < 0 ? line : line.substring(0, error).stripTrailing();
      text.append(isDirective ? "" : fir).append('\n');
    }
    return text.toString().stripTrailing() + "\n";
  }

  /**
   * The source as a formatted file would have it: without the blank lines that directives leave.
   */
  String sourceText() {
    return source().stripLeading();
  }

  /** The file with another expectation. */
  String blessed(String outcome) {
    var text = new StringBuilder();
    for (var line : lines) {
      if (line.startsWith(EXPECT)) {
        break;
      }
      text.append(line).append('\n');
    }
    var head = text.toString().stripTrailing() + "\n\n";
    if (outcome.lines().count() == 1) {
      return head + EXPECT + " " + outcome.strip() + "\n";
    }
    text = new StringBuilder(head).append(EXPECT).append('\n');
    for (var line : outcome.lines().toList()) {
      text.append(line.isEmpty() ? "//" : "// " + line).append('\n');
    }
    return text.toString();
  }

  /** The file with these errors expected, each on its line. */
  String blessed(List<ExpectedError> actual) {
    var text = new StringBuilder();
    for (int i = 0; i < lines.size() && !lines.get(i).startsWith(EXPECT); i++) {
      var line = lines.get(i);
      if (line.startsWith(PROBLEM)) {
        continue;
      }
      int at = line.indexOf(ERROR);
      var fir = at < 0 ? line : line.substring(0, at).stripTrailing();
      boolean isAlone = at >= 0 && fir.isEmpty();
      int of = isAlone ? i + 2 : i + 1;
      boolean isSaidAbove = !isAlone && i > 0 && lines.get(i - 1).startsWith(ERROR);
      text.append(fir);
      for (var error : actual) {
        if (error.line() == of && !isSaidAbove) {
          text.append(isAlone ? "" : "  ").append(ERROR).append(' ').append(error.message());
        }
      }
      text.append('\n');
      if (line.startsWith(TEST)) {
        for (var error : actual) {
          text.append(error.line() == 0 ? PROBLEM + " " + error.message() + "\n" : "");
        }
      }
    }
    return text.toString().stripTrailing() + "\n";
  }
}
