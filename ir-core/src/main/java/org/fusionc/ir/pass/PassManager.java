package org.fusionc.ir.pass;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Module;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.text.FirPrinter;

/**
 * Runs pipelines: verifies the module before the first pass and after each, keeps time and
 * statistics, and writes a reproducer file when a pass fails.
 */
public final class PassManager {
  /**
   * @param verify whether to verify before and after each pass
   * @param reproducers the directory for reproducer files
   */
  public record Settings(boolean verify, Path reproducers, PassObserver observer) {
    /** Verifies, hears nothing, and leaves reproducers in the working directory. */
    public static Settings standard() {
      return new Settings(true, Path.of(""), new PassObserver() {});
    }

    public Settings withObserver(PassObserver other) {
      return new Settings(verify, reproducers, other);
    }

    public Settings withReproducers(Path directory) {
      return new Settings(verify, directory, observer);
    }
  }

  /**
   * The module after the last pass, and what each run did.
   *
   * @param runs in the pipeline's order
   */
  public record Outcome(Module module, List<PassRun> runs) {
    public Outcome {
      runs = List.copyOf(runs);
    }

    /** What fired and what nearly fired, pass by pass. */
    public List<Finding> findings() {
      return runs.stream().flatMap(run -> run.findings().stream()).toList();
    }
  }

  private final Settings settings;

  public PassManager(Settings settings) {
    this.settings = settings;
  }

  public PassManager() {
    this(Settings.standard());
  }

  /**
   * Runs the passes in order.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the module does not verify; if a pass
   *     finds its input at fault; or, with the path of a reproducer, if a pass fails or what it
   *     makes does not verify
   */
  public Outcome run(Module module, Pipeline pipeline) {
    if (settings.verify) {
      Verifier.check(module);
    }
    var reproducer = new Reproducer(settings.reproducers);
    var runs = new ArrayList<PassRun>();
    var current = module;
    for (int i = 0; i < pipeline.steps().size(); i++) {
      var step = pipeline.steps().get(i);
      settings.observer.before(step, current);
      var context = new PassContext(step.pass(), step.options(), settings.observer::printed);
      var start = System.nanoTime();
      Module next;
      try {
        next = step.pass().run(current, context);
      } catch (RuntimeException | StackOverflowError | LinkageError | AssertionError thrown) {
        throw reproducer.threw(thrown, pipeline.from(i), current);
      }
      var time = Duration.ofNanos(System.nanoTime() - start);
      if (settings.verify) {
        try {
          Verifier.check(next);
        } catch (DiagnosticException invalid) {
          throw reproducer.broke(invalid, pipeline.from(i), current);
        }
      }
      var run = new PassRun(step.pass().name(), time, context.counts(), context.findings());
      runs.add(run);
      current = next;
      settings.observer.after(step, current, run);
    }
    return new Outcome(current, runs);
  }

  /** The text that replays a pipeline on a module. */
  static String text(Module module, String pipeline) {
    return FirPrinter.print(module, Optional.of(pipeline));
  }
}
