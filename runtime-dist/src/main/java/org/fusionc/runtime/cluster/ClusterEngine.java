package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.fusionc.ir.Type;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.RunReport;

/** An engine whose model runs at the peers of a cluster. */
public final class ClusterEngine implements AutoCloseable {
  /**
   * What to reserve, and how to bear failures.
   *
   * @param sessions at once
   * @param positions of each, prompt included
   * @param detection after which a silent peer is taken for lost
   * @param deadline after which sessions that wait for a peer fail
   * @param client which program it is, for people
   */
  public record Options(
      int sessions, int positions, Duration detection, Duration deadline, String client) {
    public static Options of(int sessions, int positions, String client) {
      return new Options(
          sessions, positions, Duration.ofSeconds(1), Duration.ofSeconds(60), client);
    }
  }

  private static final int KEPT_RECOVERIES = 1000;

  private final DeploymentWatch watch;
  private final RemotePipeline pipeline;
  private final Engine engine;
  private final RunReporter reporter;
  private final RecoveryLog recoveries = new RecoveryLog(KEPT_RECOVERIES);

  private ClusterEngine(
      BrokerClient client,
      String deployment,
      ModelSource source,
      Options options,
      Transport transport,
      RunListener listener) {
    var first = new CompletableFuture<DeploymentState>();
    var started = new CompletableFuture<RemotePipeline>();
    watch =
        client.watch(
            deployment,
            state -> {
              if (!first.complete(state)) {
                var _ = started.thenAccept(running -> running.update(state));
              }
            },
            () -> {
              var _ = started.thenAccept(RemotePipeline::removed);
            });
    try {
      var state = await(first, deployment, options);
      int context = state.context() == 0 ? source.context() : state.context();
      int positions = Math.min(options.positions, context);
      int pages = Engine.pages(positions, options.sessions);
      if (state.pages() > 0 && pages > state.pages()) {
        throw Diagnostic.failed(
                Location.named("deployment " + deployment),
                "%d sessions of %d positions take %d pages, but it has %d"
                    .formatted(options.sessions, positions, pages, state.pages()),
                "ask for less, or deploy it with a larger --context or more --sessions")
            .exception();
      }
      var run = RunOptions.of(pages).withDetection(options.detection);
      pipeline =
          new RemotePipeline(
              state,
              input(source),
              run.withDeadline(options.deadline),
              transport,
              new Heard(listener));
      started.complete(pipeline);
      engine = Engine.over(pipeline, context, pages, Generation.vocabulary(source));
    } catch (RuntimeException failure) {
      watch.close();
      throw failure;
    }
    reporter = new RunReporter(client, () -> report(deployment, options.client));
  }

  private static DeploymentState await(
      CompletableFuture<DeploymentState> first, String deployment, Options options) {
    try {
      return first.get(options.deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException late) {
      throw new Diagnostic(
              Failure.CLUSTER,
              Location.named("deployment " + deployment),
              "the broker says nothing of it",
              "see 'fusionc status', and deploy it")
          .exception();
    } catch (InterruptedException | java.util.concurrent.ExecutionException ended) {
      throw new IllegalStateException(ended);
    }
  }

  /** Keeps what is heard for reports. */
  private final class Heard implements RunListener {
    private final RunListener listener;

    Heard(RunListener listener) {
      this.listener = listener;
    }

    @Override
    public void notice(String message) {
      listener.notice(message);
    }

    @Override
    public void recovered(Recovery recovery) {
      recoveries.add(recovery);
      listener.recovered(recovery);
    }
  }

  /**
   * Opens a deployment.
   *
   * @param deployment its name
   * @param source the model, for the names of its values; no weight is read
   * @param transport to the peers
   * @param listener hears of failures and recoveries
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there is no such deployment, or it has
   *     no room
   */
  public static ClusterEngine open(
      BrokerClient client,
      String deployment,
      ModelSource source,
      Options options,
      Transport transport,
      RunListener listener) {
    if (client.deployment(deployment).isEmpty()) {
      throw new Diagnostic(
              Failure.CLUSTER,
              Location.named("deployment " + deployment),
              "there is none of this name",
              "see 'fusionc status', and deploy it")
          .exception();
    }
    return new ClusterEngine(client, deployment, source, options, transport, listener);
  }

  /** The name of the decoder's first tensor parameter, its token ids. */
  static String input(ModelSource source) {
    var decode = source.module().function("decode");
    var names = ValueNames.of(decode);
    for (var param : decode.params()) {
      if (param.type() instanceof Type.Tensor) {
        var name = names.name(param);
        if (name != null) {
          return name;
        }
      }
    }
    throw Diagnostic.invalid(
            Location.named(source.name()), "@decode has no token ids", "it is no decoder")
        .exception();
  }

  /** Runs sessions; closed with this. */
  public Engine engine() {
    return engine;
  }

  /** What has happened lately, the newest last; see {@link #recovered}. */
  public List<Recovery> recoveries() {
    return recoveries.newest();
  }

  /** How many recoveries there have been. */
  public long recovered() {
    return recoveries.total();
  }

  /** The peers that have the stages now. */
  public List<String> peers() {
    return pipeline.peers();
  }

  private RunReport report(String deployment, String client) {
    var load = engine.load();
    var report =
        RunReport.newBuilder()
            .setRun(pipeline.run())
            .setDeployment(deployment)
            .setClient(client)
            .setSessions(load.sessions())
            .setWaiting(load.waiting())
            .setTokens(load.tokens())
            .addAllRoute(pipeline.peers());
    recoveries.report(recovery -> report.addRecoveries(recovery.report()));
    return report.build();
  }

  /** Cancels the sessions and leaves the peers. */
  @Override
  public void close() {
    watch.close();
    reporter.close();
    engine.close();
  }
}
