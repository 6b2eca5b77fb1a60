package org.fusionc.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.serve.ApiKeys;
import org.fusionc.runtime.serve.ApiServer;
import org.fusionc.runtime.serve.ServedModel;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc serve}. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description =
        "Serves a model over HTTP, as OpenAI's API describes it, until it is told to end.")
final class ServeCommand implements Callable<Integer> {
  /** How long requests that run may take after the server was told to end. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Duration GOODBYE = Duration.ofSeconds(5);

  /** Longer contexts than this have to be asked for: their cache takes much memory. */
  private static final int USUAL_CONTEXT = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  private final CountDownLatch finished = new CountDownLatch(1);

  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private RemoteOptions cluster = new RemoteOptions();

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description =
          "where to listen (default ${DEFAULT-VALUE}); port 0 takes a free one, which is printed",
      defaultValue = "127.0.0.1:8080")
  private String listen = "";

  @Option(
      names = "--sessions",
      paramLabel = "N",
      description = "generate N texts at once at most (default ${DEFAULT-VALUE})",
      defaultValue = "8")
  private int sessions;

  @Option(
      names = "--context",
      paramLabel = "N",
      description =
          "positions of one text, prompt included (default: what the model has, 4096 at most)")
  private @Nullable Integer context;

  @Option(
      names = "--max-queue",
      paramLabel = "N",
      description =
          "let N texts wait for their turn, and refuse more with 429 (default ${DEFAULT-VALUE})",
      defaultValue = "64")
  private int maxQueue;

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description = "ask clients for one of the keys in FILE, one a line (default: ask for none)")
  private @Nullable Path keys;

  @Option(
      names = "--model-name",
      paramLabel = "NAME",
      description = "what clients call the model (default: its folder's or file's name)")
  private @Nullable String name;

  @Override
  public Integer call() throws InterruptedException {
    cluster.check(engine);
    var address = Address.parse(listen);
    var options =
        new ApiServer.Options(
            address, sessions, maxQueue, keys == null ? ApiKeys.none() : ApiKeys.read(keys));
    try (var source = model.open()) {
      int positions = positions(source);
      if (cluster.isGiven()) {
        var messages = java.util.Objects.requireNonNull(spec).commandLine().getErr();
        try (var connected =
            cluster.open(source, model.path(), engine, sessions, positions, "serve", messages)) {
          var remote = connected.cluster();
          serve(source, remote.engine(), options, remote::recovered);
        }
      } else {
        try (var running = engine.start(source, positions, sessions)) {
          serve(source, running, options, null);
        }
      }
    }
    finished.countDown();
    return 0;
  }

  /**
   * @param recoveries how often a cluster has recovered; null in one process
   */
  private void serve(
      ModelSource source,
      Engine running,
      ApiServer.Options options,
      @Nullable Supplier<Number> recoveries)
      throws InterruptedException {
    try (var served = ServedModel.of(name == null ? model.name() : name, source, running);
        var server = ApiServer.start(served, options)) {
      if (recoveries != null) {
        server.gauge("fusionc.recoveries", "failures that sessions survived", recoveries);
      }
      var ended = new CountDownLatch(1);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server, ended), "shutdown"));
      var out = java.util.Objects.requireNonNull(spec).commandLine().getOut();
      out.println("serve: " + served.name() + " on http://" + server.address() + "/v1");
      out.flush();
      ended.await();
    }
  }

  private int positions(ModelSource source) {
    int most = source.context();
    int positions = context == null ? Math.min(most, USUAL_CONTEXT) : context;
    if (positions < 1 || positions > most) {
      throw Diagnostic.usage(
              "--context is " + positions, "give 1 to " + most + ", which is what the model has")
          .exception();
    }
    return positions;
  }

  /** On a signal: the process ends as one that did what it was asked to. */
  private void end(ApiServer server, CountDownLatch ended) {
    try {
      server.shutDown(PATIENCE);
      ended.countDown();
      // The engine says goodbye to its peers.
      if (!finished.await(GOODBYE.toSeconds(), TimeUnit.SECONDS)) {
        LOG.warn("the engine did not close in {} s", GOODBYE.toSeconds());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(0);
  }
}
