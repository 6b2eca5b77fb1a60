package org.fusionc.cli;

import org.fusionc.runtime.cluster.BrokerClient;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every command that talks to a broker takes. */
final class ClusterOptions {
  @Option(
      names = "--cluster",
      paramLabel = "HOST:PORT",
      description = "the broker; several with commas between (default ${DEFAULT-VALUE})",
      defaultValue = "127.0.0.1:7700")
  private String cluster = "";

  @Mixin private TransportOptions transport = new TransportOptions();

  BrokerClient connect() {
    return BrokerClient.of(cluster, transport.transport());
  }
}
