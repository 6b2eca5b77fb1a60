package org.fusionc.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code fusionc undeploy}. */
@Command(
    name = "undeploy",
    mixinStandardHelpOptions = true,
    description = "Takes a deployment away from a cluster.")
final class UndeployCommand implements Callable<Integer> {
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Parameters(paramLabel = "NAME", description = "the deployment; see fusionc status")
  private String name = "";

  @Override
  public Integer call() {
    try (var client = cluster.connect()) {
      client.undeploy(name);
    }
    return 0;
  }
}
