package org.fusionc.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.fusionc.broker.Broker;
import org.fusionc.broker.page.PageServer;
import org.fusionc.broker.plan.Replanning;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.Transport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc broker}. */
@Command(
    name = "broker",
    mixinStandardHelpOptions = true,
    description = "Runs a cluster's broker: who is here, what is deployed, who stands by.")
final class BrokerCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "for peers and clients (default ${DEFAULT-VALUE}); port 0 takes a free one",
      defaultValue = "127.0.0.1:7700")
  private String listen = "";

  @Option(
      names = "--http",
      paramLabel = "HOST:PORT",
      description = "for browsers (default ${DEFAULT-VALUE})",
      defaultValue = "127.0.0.1:7780")
  private String http = "";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "for state and blobs (default ~/.local/share/fusionc/broker)")
  private @Nullable Path data;

  @Option(
      names = "--store",
      paramLabel = "etcd://HOST:PORT[,…]",
      description = "keep the state in etcd, where several brokers stand by for one another")
  private @Nullable String store;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description =
          "ask for a token of this file; fusionc token makes them. One of several brokers shows the"
              + " environment's FUSIONC_TOKEN, of role broker, to the others and to peers")
  private @Nullable Path tokens;

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description = "with ca.pem, cert.pem and key.pem, which fusionc ca issue makes")
  private @Nullable Path tls;

  @Option(
      names = "--replan-rest",
      paramLabel = "SECONDS",
      description =
          "a deployment whose plan has changed keeps it at least so long (default"
              + " ${DEFAULT-VALUE})",
      defaultValue = "30")
  private int replanRest;

  @Override
  public Integer call() throws InterruptedException {
    var pageAddress = Address.parse(http);
    var options =
        new Broker.Options(
            Address.parse(listen),
            data == null ? Broker.defaultData() : data,
            store,
            tokens,
            Transport.of(new Transport.Options(tls, TransportOptions.tokenOfEnvironment()))
                .as(Role.BROKER),
            Replanning.Policy.DEFAULT.withRest(rest()));
    var ended = new CountDownLatch(1);
    try (var broker = Broker.start(options);
        var page = PageServer.start(broker, pageAddress)) {
      var out = Objects.requireNonNull(spec).commandLine().getOut();
      out.println(
          "broker: listening on " + broker.address() + ", page http://" + page.address() + "/");
      out.flush();
      var main = Thread.currentThread();
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(() -> {
                ended.countDown();
                try {
                  main.join(5000);
                } catch (InterruptedException ending) {
                  main.interrupt();
                }
              }));
      ended.await();
    }
    return 0;
  }

  private Duration rest() {
    if (replanRest < 1) {
      throw Diagnostic.usage("--replan-rest is " + replanRest, "give it 1 second or more")
          .exception();
    }
    return Duration.ofSeconds(replanRest);
  }
}
