package org.fusionc.testsuite.filetest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.testsuite.filetest.FileTest.ExpectedError;

/** Runs file tests; on request rewrites what they expect. */
final class FileTestRunner {
  private static final String HINT =
      """

      (if that is right: mvn -pl testsuite -am test -Dtest=FileTestsTest \
      -Dsurefire.failIfNoSpecifiedTests=false -Dfusionc.bless=true)\
      """;

  private final boolean bless;

  FileTestRunner(boolean bless) {
    this.bless = bless;
  }

  void run(Path file) throws IOException {
    var test = FileTest.read(file);
    String outcome;
    try {
      outcome = Command.run(test);
    } catch (DiagnosticException invalid) {
      failed(test, invalid.diagnostics());
      return;
    }
    succeeded(test, outcome);
  }

  private void succeeded(FileTest test, String outcome) throws IOException {
    boolean isUnchanged = outcome.equals(test.sourceText());
    if (test.errors().isEmpty() && test.expectation().isPresent()) {
      var expected = test.expectation().get();
      if (expected.equals("unchanged\n")
          ? isUnchanged
          : expected.equals(outcome)
              || (test.command().startsWith("interpret") && DatumText.agree(expected, outcome))) {
        return;
      }
    }
    if (bless) {
      Files.writeString(test.file(), test.blessed(isUnchanged ? "unchanged" : outcome));
      return;
    }
    throw new AssertionError(
        !test.errors().isEmpty()
            ? "errors are expected, but there are none; it gives\n" + outcome
            : test.expectation()
                .map(e -> "expected\n" + e + "\nbut it gives\n" + outcome + HINT)
                .orElse("the file has no expectation; it gives\n" + outcome + HINT));
  }

  private void failed(FileTest test, List<Diagnostic> diagnostics) throws IOException {
    var left = new ArrayList<>(test.errors());
    var unexpected = new ArrayList<Diagnostic>();
    for (var diagnostic : diagnostics) {
      var match =
          left.stream()
              .filter(e -> e.line() == line(test, diagnostic))
              .filter(e -> text(diagnostic).contains(e.message()))
              .findFirst();
      match.ifPresentOrElse(left::remove, () -> unexpected.add(diagnostic));
    }
    if (left.isEmpty() && unexpected.isEmpty() && test.expectation().isEmpty()) {
      return;
    }
    if (bless) {
      Files.writeString(
          test.file(),
          test.blessed(
              diagnostics.stream().map(d -> new ExpectedError(line(test, d), text(d))).toList()));
      return;
    }
    throw new AssertionError(
        "expected errors that did not come: %s\nerrors that are not expected: %s%s"
            .formatted(left, unexpected, HINT));
  }

  /** The line of the text; 0 for an error in no place of it, or at the end of the file. */
  private static int line(FileTest test, Diagnostic diagnostic) {
    return diagnostic.location() instanceof Location.Text place
            && place.file().equals(test.file().getFileName().toString())
            && place.line() <= test.source().lines().count()
        ? place.line()
        : 0;
  }

  /** In one line, with the column first. */
  private static String text(Diagnostic diagnostic) {
    var column = diagnostic.location() instanceof Location.Text place ? place.column() + ": " : "";
    var text =
        diagnostic.message() + (diagnostic.remedy().isEmpty() ? "" : "; " + diagnostic.remedy());
    return column + text.replace('\n', ' ');
  }
}
