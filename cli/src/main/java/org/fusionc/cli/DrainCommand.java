package org.fusionc.cli;

import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc drain}. */
@Command(
    name = "drain",
    mixinStandardHelpOptions = true,
    description =
        "Moves a peer's work elsewhere, and has it leave the cluster; strikes off one that is"
            + " lost.")
final class DrainCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Parameters(paramLabel = "NAME", description = "the peer; see fusionc status")
  private String name = "";

  @Override
  public Integer call() {
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    try (var client = cluster.connect()) {
      client.drain(
          name,
          message -> {
            out.println(message);
            out.flush();
          });
    }
    return 0;
  }
}
