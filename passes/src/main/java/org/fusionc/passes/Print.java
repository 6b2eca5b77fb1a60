package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Module;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassOption;
import org.fusionc.ir.text.FirPrinter;

/** {@code print}: changes nothing, prints the module as it stands here in the pipeline. */
public final class Print implements Pass {
  private static final PassOption TITLE =
      new PassOption("title", "", "a line to print above, as a comment");

  @Override
  public String name() {
    return "print";
  }

  @Override
  public String summary() {
    return "Print the module as it stands here in the pipeline.";
  }

  @Override
  public List<PassOption> options() {
    return List.of(TITLE);
  }

  @Override
  public Module run(Module module, PassContext context) {
    if (!context.text("title").isEmpty()) {
      context.print("// " + context.text("title"));
    }
    FirPrinter.print(module).lines().forEach(context::print);
    return module;
  }
}
