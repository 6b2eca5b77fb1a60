package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Support;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.pass.Finding;
import org.fusionc.ir.pass.PassRun;
import org.fusionc.ir.text.FirPrinter;
import org.jspecify.annotations.Nullable;

/** What {@code fusionc explain} tells. */
public final class Explanation {
  private Explanation() {}

  /**
   * What passes did and nearly did, then the kernel of each op.
   *
   * @param pass this pass only, without kernels; null for all
   */
  public static List<String> lines(
      Compiler.Compiled compiled, Backend backend, @Nullable String pass) {
    var names = compiled.runs().stream().map(PassRun::pass).distinct().toList();
    if (pass != null && !names.contains(pass)) {
      throw Diagnostic.usage(
              "no pass '" + pass + "' runs on this model",
              Suggestion.nearest(pass, names)
                      .map(name -> "did you mean '" + name + "'? ")
                      .orElse("")
                  + "those that run are "
                  + String.join(", ", names))
          .exception();
    }
    var lines = new ArrayList<String>();
    for (var run : compiled.runs()) {
      if (pass == null || run.pass().equals(pass)) {
        lines.add(title(run));
        for (var finding : run.findings()) {
          lines.add((finding.kind() == Finding.Kind.FIRED ? "  + " : "  - ") + finding);
        }
      }
    }
    if (pass == null) {
      kernels(compiled, backend, lines);
    }
    return lines;
  }

  /** {@code fuse-rope: fuse-rope-attention 6, fuse-rope-kv-append 6 (4.80 ms)}. */
  private static String title(PassRun run) {
    var counts =
        run.counts().entrySet().stream()
            .map(e ->
                e.getKey().equals(run.pass())
                    ? e.getValue() + " times"
                    : e.getKey() + " " + e.getValue())
            .collect(Collectors.joining(", "));
    return "%s: %s (%.2f ms)"
        .formatted(run.pass(), counts.isEmpty() ? "nothing" : counts, run.time().toNanos() / 1e6);
  }

  private static void kernels(Compiler.Compiled compiled, Backend backend, List<String> lines) {
    for (var name : compiled.stages()) {
      var function = compiled.module().function(name);
      lines.add("kernels of @" + name + " on " + backend.name());
      for (var op : function.body()) {
        var kernel =
            switch (backend.supports(op)) {
              case Support.Yes(var found) -> found;
              case Support.No(var reason, var nearest) ->
                  "none: " + reason + "; the nearest form that runs: " + nearest;
            };
        lines.add("  " + FirPrinter.printOp(op, function).strip() + "  // " + kernel);
      }
    }
  }
}
