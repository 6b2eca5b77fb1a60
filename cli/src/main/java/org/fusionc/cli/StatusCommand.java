package org.fusionc.cli;

import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.broker.page.MessageJson;
import org.fusionc.broker.page.StatusText;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Shows a cluster's peers, links, deployments, runs and recoveries.")
final class StatusCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(names = "--json", description = "print one JSON object instead of tables")
  private boolean json;

  @Override
  public Integer call() {
    try (var client = cluster.connect()) {
      var status = client.status();
      var out = Objects.requireNonNull(spec).commandLine().getOut();
      out.println(json ? MessageJson.readable(status) : StatusText.of(status));
      out.flush();
    }
    return 0;
  }
}
