package org.fusionc.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.broker.plan.LiveCluster;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterFile;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.model.FirFile;
import org.fusionc.runtime.model.Planning;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc plan}. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = {
      "Splits a model over a cluster and prints the plan as FIR text.",
      "A directory that holds only a config.json is enough."
    })
final class PlanCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private QuantizeOption quantize = new QuantizeOption();

  @Option(
      names = "--cluster",
      required = true,
      paramLabel = "FILE.yaml|HOST:PORT",
      description =
          "the devices and links, see docs/PLANS.md; or a broker, for its peers as they have been"
              + " measured, with the memory that is free now")
  private String cluster = "";

  @Mixin private TransportOptions transport = new TransportOptions();

  @Mixin private ObjectiveOption objective = new ObjectiveOption();

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "positions per sequence to have room for (default: 4096, or the model's)")
  private @Nullable Integer context;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "sequences at once (default ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int batch = 1;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE.fir",
      description = "write there instead of to the terminal; its directory must be there")
  private @Nullable Path output;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      var text =
          Planning.plan(
              source, machines(), objective.objective(), context, batch, quantize.rules());
      FirFile.write(text, output, Objects.requireNonNull(spec).commandLine().getOut());
    }
    return 0;
  }

  /** What is a file is read; else it must be a broker's address, or several. */
  private Cluster machines() {
    boolean file = cluster.endsWith(".yaml") || cluster.endsWith(".yml");
    if (file || isFile() || !cluster.contains(":")) {
      if (transport.isGiven()) {
        throw Diagnostic.usage(
                "--tls and --token-file are for a broker, but %s is a file".formatted(cluster),
                "leave them away")
            .exception();
      }
      return ClusterFile.read(Path.of(cluster));
    }
    try (var client = BrokerClient.of(cluster, transport.transport())) {
      return LiveCluster.of(client.status());
    }
  }

  private boolean isFile() {
    try {
      return Files.exists(Path.of(cluster));
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
