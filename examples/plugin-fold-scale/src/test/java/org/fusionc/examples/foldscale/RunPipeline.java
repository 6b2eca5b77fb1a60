package org.fusionc.examples.foldscale;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.fusionc.ir.Graph;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;

/** A small {@code fusionc opt}: {@code JAR PIPELINE FILE}. */
public final class RunPipeline {
  private RunPipeline() {}

  public static void main(String[] arguments) throws Exception {
    var passes = PassRegistry.load(List.of(Path.of(arguments[0])));
    var file = Path.of(arguments[2]);
    var module =
        FirParser.parse(Files.readString(file), file.toString(), new Graph(), passes.ops());
    var outcome = new PassManager().run(module, Pipeline.parse(arguments[1], passes));
    System.out.print(FirPrinter.print(outcome.module()));
  }
}
