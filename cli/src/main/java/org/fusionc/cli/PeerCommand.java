package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.peer.PeerOptions;
import org.fusionc.runtime.peer.PeerProcess;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc peer}. */
@Command(
    name = "peer",
    mixinStandardHelpOptions = true,
    description =
        "Gives this machine to a cluster: holds and computes the stages that the broker orders."
            + " Ends in order on SIGTERM, once others have taken over; a second one ends it at"
            + " once.")
final class PeerCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private TransportOptions transport = new TransportOptions();

  @Option(
      names = "--broker",
      paramLabel = "HOST:PORT[,HOST:PORT]",
      required = true,
      description = "the broker to join; several that stand in for one another")
  private String broker = "";

  @Option(
      names = "--name",
      paramLabel = "N",
      description = "unique in the cluster (default: made of the host's name)")
  private @Nullable String name;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description =
          "for weights, caches and activations, such as 8GiB (default: 80 %% of what is free)")
  private @Nullable String memory;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @SuppressWarnings("UnusedVariable") // It acts when it is parsed.
  @Mixin
  private CpuTierOption tier = new CpuTierOption();

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "keeps its identity and its blobs; one peer at a time"
              + " (default ~/.local/share/fusionc/peer)")
  private @Nullable Path data;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description =
          "for other peers and clients (default ${DEFAULT-VALUE}); port 0 takes a free one",
      defaultValue = "127.0.0.1:0")
  private String listen = "";

  @Option(
      names = "--advertise",
      paramLabel = "HOST:PORT",
      description = "how others reach it, if that is not --listen")
  private @Nullable String advertise;

  @Override
  public Integer call() throws InterruptedException {
    var options =
        new PeerOptions(
            PeerOptions.brokers(broker),
            name,
            memory == null ? 0 : PeerOptions.memory(memory),
            threads.threads(),
            data == null ? PeerOptions.defaultData() : data,
            Address.parse(listen),
            advertise == null ? null : Address.parse(advertise));
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    return PeerProcess.run(
        options,
        transport.transport().as(Role.PEER),
        line -> {
          out.println(line);
          out.flush();
        },
        () -> Runtime.getRuntime().halt(1));
  }
}
