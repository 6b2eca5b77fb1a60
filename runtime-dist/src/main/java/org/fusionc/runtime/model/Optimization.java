package org.fusionc.runtime.model;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassObserver;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.PassRun;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.jspecify.annotations.Nullable;

/** Running passes over a FIR file by hand. */
public final class Optimization {
  private Optimization() {}

  /**
   * Runs a pipeline over a file's module.
   *
   * @param pipeline as text; null for the file's own
   * @param printed gets what passes print
   */
  public static PassManager.Outcome run(
      FirParser.Document document,
      Path file,
      @Nullable String pipeline,
      PassRegistry registry,
      PrintWriter printed) {
    var text = pipeline == null ? document.pipeline().orElse(null) : pipeline;
    if (text == null) {
      throw Diagnostic.usage(
              file + " brings no pipeline of its own", "name the passes: -p 'canonicalize,dce'")
          .exception();
    }
    var observer =
        new PassObserver() {
          @Override
          public void printed(String line) {
            printed.println(line);
          }
        };
    var manager = new PassManager(PassManager.Settings.standard().withObserver(observer));
    return manager.run(document.module(), Pipeline.parse(text, registry));
  }

  /** One line: what a pass did, and how long it took. */
  public static String statistics(PassRun run) {
    var counts =
        run.counts().entrySet().stream()
            .map(e -> e.getKey() + " " + e.getValue())
            .collect(Collectors.joining(", "));
    return "%-22s %8.2f ms  %s".formatted(run.pass(), run.time().toNanos() / 1e6, counts);
  }
}
