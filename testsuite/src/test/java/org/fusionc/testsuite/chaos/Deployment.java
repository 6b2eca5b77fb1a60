package org.fusionc.testsuite.chaos;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.cluster.ArtifactDigests;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.cluster.ClusterModel;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.TokenListener;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.sampling.SamplingOptions;

/** A model that is deployed on a cluster, and the same model in this process to compare with. */
final class Deployment implements AutoCloseable {
  private final ModelSource source;
  private final BrokerClient client;
  private final String name;

  Deployment(String broker, Path model, int stages, int sessions, String encode) {
    source = ModelSource.open(model, DType.Scalar.F32);
    client = BrokerClient.of(broker, Transport.plain());
    var wish =
        DeployRequest.newBuilder()
            .setStages(stages)
            .setSessions(sessions)
            .setContext(Math.min(512, source.context()))
            .setEncode(encode)
            .build();
    name =
        new ClusterModel(client, source, model, null, ArtifactDigests.none())
            .deploy(wish, new Compiler.Cut.Whole(), said -> {})
            .getName();
  }

  ClusterEngine open(int sessions, RunListener listener) {
    return open(sessions, Duration.ofMinutes(4), listener);
  }

  ClusterEngine open(int sessions, Duration deadline, RunListener listener) {
    int context = Math.min(512, source.context());
    var options =
        new ClusterEngine.Options(sessions, context, Duration.ofSeconds(1), deadline, "test");
    return ClusterEngine.open(client, name, source, options, Transport.plain(), listener);
  }

  DeploymentView view() {
    return client.deployment(name).orElseThrow();
  }

  BrokerClient client() {
    return client;
  }

  /** Waits until every stage has so many ready holders. */
  void awaitHolders(int count, Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (!view().getStagesList().stream()
        .allMatch(s -> s.getHoldersList().stream().filter(h -> h.getReady()).count() >= count)) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "no " + count + " ready holders of each stage after " + limit + ":\n" + view());
      }
      Thread.sleep(50);
    }
  }

  /** What the model gives in this process, undisturbed. */
  List<Integer> undisturbed(List<Integer> prompt, SamplingOptions sampling, int tokens) {
    var options = Compiler.Options.whole(Compiler.backend("cpu"), Phase.SCHEDULED);
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    int pages = Engine.pages(Math.min(512, source.context()), 1);
    var settings = new Engine.Options(1, source.context(), pages, false);
    try (var engine = Engine.start(source, compiled, Compiler.backend("cpu"), settings)) {
      return generate(engine, prompt, sampling, tokens, id -> true);
    }
  }

  static List<Integer> generate(
      Engine engine,
      List<Integer> prompt,
      SamplingOptions sampling,
      int tokens,
      TokenListener listener) {
    var request = new Request(prompt, sampling, tokens, Set.of());
    return engine.submit(request, TokenListener.prompt(listener)).await().ids();
  }

  @Override
  public void close() {
    client.close();
    source.close();
  }
}
