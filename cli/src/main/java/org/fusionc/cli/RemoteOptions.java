package org.fusionc.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.cluster.ArtifactDigests;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.cluster.ClusterModel;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.cluster.Wishes;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.proto.DeployRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every command takes that runs a model here or at a cluster. */
final class RemoteOptions {
  @Option(
      names = "--cluster",
      paramLabel = "HOST:PORT",
      description =
          "run at the peers of this broker, or of these with commas between; the model is deployed"
              + " first if it is not")
  private @Nullable String cluster;

  @Option(
      names = "--deployment",
      paramLabel = "NAME",
      description =
          "what the model is called there (default: from its folder's name and its content)")
  private String deployment = "";

  @Mixin private TransportOptions transport = new TransportOptions();

  boolean isGiven() {
    return cluster != null;
  }

  /**
   * Refuses options that would have no effect.
   *
   * @param how how this process computes, if it does
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming one of them
   */
  void check(EngineOptions how) {
    if (cluster != null) {
      how.requireNothingForHere();
    } else if (!deployment.isEmpty() || transport.isGiven()) {
      throw Diagnostic.usage(
              (deployment.isEmpty() ? "--tls and --token-file are" : "--deployment is")
                  + " for a cluster, but no --cluster is named",
              "name its broker, or leave them away")
          .exception();
    }
  }

  /** An engine at a cluster, and the connection to its broker. */
  static final class Connected implements AutoCloseable {
    private final BrokerClient client;
    private final ClusterEngine engine;

    private Connected(BrokerClient client, ClusterEngine engine) {
      this.client = client;
      this.engine = engine;
    }

    ClusterEngine cluster() {
      return engine;
    }

    @Override
    public void close() {
      engine.close();
      client.close();
    }
  }

  /**
   * Deploys the model if need be, and opens it.
   *
   * @param path of the model
   * @param how how it is cut and quantised; whole leaves the cut to the broker
   * @param sessions at once
   * @param positions of each
   * @param messages where recoveries and the like are told
   */
  Connected open(
      ModelSource source,
      Path path,
      EngineOptions how,
      int sessions,
      int positions,
      String command,
      PrintWriter messages) {
    var transport = this.transport.transport();
    if (!deployment.isEmpty()) {
      Wishes.checkName(deployment);
    }
    var client = BrokerClient.of(java.util.Objects.requireNonNull(cluster), transport);
    try {
      // What the broker plans with anyway is left to it.
      var wish =
          DeployRequest.newBuilder()
              .setName(deployment)
              .setSessions(sessions > 8 ? sessions : 0)
              .setContext(positions > 4096 ? positions : 0)
              .build();
      var model = new ClusterModel(client, source, path, how.quantize(), ArtifactDigests.ofUser());
      var view = model.use(wish, how.remoteCut(), text -> say(messages, text));
      var options = ClusterEngine.Options.of(sessions, positions, command);
      var listener =
          new RunListener() {
            @Override
            public void notice(String message) {
              say(messages, message);
            }

            @Override
            public void recovered(Recovery recovery) {
              say(messages, recovery.toString());
            }
          };
      return new Connected(
          client, ClusterEngine.open(client, view.getName(), source, options, transport, listener));
    } catch (RuntimeException | Error failure) {
      client.close();
      throw failure;
    }
  }

  private static void say(PrintWriter messages, String text) {
    messages.println("fusionc: " + text);
    messages.flush();
  }
}
