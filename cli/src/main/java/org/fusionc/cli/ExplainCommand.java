package org.fusionc.cli;

import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Explanation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc explain}. */
@Command(
    name = "explain",
    mixinStandardHelpOptions = true,
    description = {
      "Tells what each pass did to a model, and what it nearly did and why not;",
      "then which kernel runs each op."
    })
final class ExplainCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(names = "--pass", paramLabel = "NAME", description = "this pass only")
  private @Nullable String pass;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      var backend = engine.backend();
      var options =
          Compiler.Options.of(engine.cut(), backend, Phase.SCHEDULED).quantized(engine.quantize());
      var compiled = Compiler.compile(source.module(), source.phase(), options);
      var out = Objects.requireNonNull(spec).commandLine().getOut();
      Explanation.lines(compiled, backend, pass).forEach(out::println);
      out.flush();
    }
    return 0;
  }
}
