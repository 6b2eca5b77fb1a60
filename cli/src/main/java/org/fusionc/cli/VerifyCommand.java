package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Verifier;
import org.fusionc.runtime.model.FirFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc verify}. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description = "Checks a FIR file; says what is wrong and where, or nothing.")
final class VerifyCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "FILE.fir", description = "the file")
  private Path file = Path.of("");

  @Override
  public Integer call() {
    Verifier.check(FirFile.read(file, OpRegistry.builtIn()).module());
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    out.println(file + ": valid");
    out.flush();
    return 0;
  }
}
