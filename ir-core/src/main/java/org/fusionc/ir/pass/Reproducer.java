package org.fusionc.ir.pass;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;

/** Writes what it takes to see a pass fail again: the IR before it and the pipeline from it on. */
final class Reproducer {
  private final Path directory;

  Reproducer(Path directory) {
    this.directory = directory;
  }

  /** What to tell when the pass threw this on the module. */
  DiagnosticException threw(Throwable thrown, Pipeline rest, Module before) {
    var step = rest.steps().getFirst();
    String what;
    var location = Location.unknown();
    if (thrown instanceof DiagnosticException diagnosed) {
      if (diagnosed.failure() != Failure.FAILED) {
        return diagnosed;
      }
      what = diagnosed.diagnostics().getFirst().message();
      location = diagnosed.diagnostics().getFirst().location();
    } else {
      var frames = thrown.getStackTrace();
      what = thrown + (frames.length == 0 ? "" : " at " + frames[0]);
    }
    return failed(
        location, "the pass '%s' failed: %s".formatted(step.pass().name(), what), rest, before);
  }

  /** What to tell when the pass's output does not verify. */
  DiagnosticException broke(DiagnosticException invalid, Pipeline rest, Module before) {
    var first = invalid.diagnostics().getFirst();
    return failed(
        first.location(),
        "the pass '%s' made IR that does not verify: %s"
            .formatted(rest.steps().getFirst().pass().name(), first.message()),
        rest,
        before);
  }

  private DiagnosticException failed(
      Location location, String message, Pipeline rest, Module before) {
    var name = rest.steps().getFirst().pass().name();
    var file = directory.resolve("reproducer-" + name + ".fir");
    String remedy;
    try {
      Files.writeString(file, comment(message) + PassManager.text(before, rest.toString()));
      remedy = "'fusionc opt %s' replays it; this is an error in the pass".formatted(file);
    } catch (IOException | RuntimeException unwritten) {
      remedy =
          "this is an error in the pass; no reproducer could be written to %s: %s"
              .formatted(file, unwritten);
    }
    return Diagnostic.failed(location, message, remedy).exception();
  }

  private static String comment(String message) {
    return message.lines().map(line -> "// " + line + "\n").collect(Collectors.joining());
  }
}
