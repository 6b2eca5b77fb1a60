package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.broker.Broker;
import org.fusionc.ir.DType;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.runtime.cluster.ArtifactDigests;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.cluster.ClusterModel;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.Peer;
import org.fusionc.runtime.peer.PeerOptions;
import org.fusionc.runtime.proto.DeployRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code fusionc serve --cluster} answers is what {@code fusionc serve} answers. */
class ClusterServeTest {
  private static final Address ANY = new Address("127.0.0.1", 0);
  private static final List<String> CHATS =
      List.of(
          "\"messages\": [{\"role\": \"user\", \"content\": \"Good morrow\"}], \"max_tokens\": 24,"
              + " \"temperature\": 0",
          "\"messages\": [{\"role\": \"user\", \"content\": \"Who is there?\"}],"
              + " \"max_tokens\": 24, \"temperature\": 0.9, \"seed\": 7, \"n\": 2");

  @TempDir private Path folder;

  @Test
  void aChatOverTwoPeersIsThatOfOneProcess() throws Exception {
    var plain = Transport.plain();
    var model = Files.createDirectory(folder.resolve("model"));
    var data = folder.resolve("broker");
    try (var local = Served.example(model, Served.options(2, 4));
        var broker = Broker.start(new Broker.Options(ANY, data, null, null, plain));
        var _ = peer(broker, "a");
        var _ = peer(broker, "b");
        var client = BrokerClient.of(broker.address().toString(), plain);
        var source = ModelSource.open(model, DType.Scalar.F32)) {
      var wish = DeployRequest.newBuilder().setSessions(2).setContext(512).build();
      var two = Compiler.Cut.stages(2);
      var said = new ArrayList<String>();
      var view = brought(client, source, model).use(wish, two, said::add);
      assertThat(said).first().asString().startsWith("making an artifact of ");
      try (var run = opened(client, view.getName(), source);
          var remote = Served.over(source, run.engine(), "shakespeare", Served.options(2, 4))) {
        for (var chat : CHATS) {
          var answer = remote.chat(chat);
          var expected = local.chat(chat);
          assertThat(answer.get("choices")).isEqualTo(expected.get("choices"));
          assertThat(answer.get("usage")).isEqualTo(expected.get("usage"));
        }
        assertThat(run.peers()).containsExactlyInAnyOrder("a", "b");
        assertThat(run.recoveries()).isEmpty();
      }
      isNotMadeAgain(brought(client, source, model), wish);
    }
  }

  @Test
  void isReadyWhileEachStageHasAPeer() throws Exception {
    var plain = Transport.plain();
    var model = Files.createDirectory(folder.resolve("model"));
    var data = folder.resolve("broker");
    try (var _ = Served.example(model, Served.options(2, 4));
        var broker = Broker.start(new Broker.Options(ANY, data, null, null, plain));
        var first = peer(broker, "a");
        var client = BrokerClient.of(broker.address().toString(), plain);
        var source = ModelSource.open(model, DType.Scalar.F32)) {
      var wish = DeployRequest.newBuilder().setSessions(2).setContext(512).build();
      var view = brought(client, source, model).use(wish, new Compiler.Cut.Whole(), line -> {});
      try (var run = opened(client, view.getName(), source);
          var remote = Served.over(source, run.engine(), "shakespeare", Served.options(2, 4))) {
        awaitReady(remote, 200);
        leave(first);
        assertThat(awaitReady(remote, 503)).contains("Not ready: stage 0 has no peer.");
        try (var _ = peer(broker, "b")) {
          awaitReady(remote, 200);
          assertThat(remote.chat(CHATS.getFirst()).get("usage").get("completion_tokens").asInt())
              .isEqualTo(24);
        }
      }
    }
  }

  private static ClusterEngine opened(BrokerClient client, String name, ModelSource source) {
    var options = ClusterEngine.Options.of(2, 512, "test");
    return ClusterEngine.open(client, name, source, options, Transport.plain(), RunListener.none());
  }

  private static void leave(Peer peer) {
    peer.close();
  }

  private static String awaitReady(Served served, int status) throws Exception {
    var answer = served.send(served.request("/ready").build());
    for (int i = 0; i < 600 && answer.statusCode() != status; i++) {
      Thread.sleep(50);
      answer = served.send(served.request("/ready").build());
    }
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return answer.body();
  }

  @Test
  void whatCannotBeIsSaidBeforeAnArtifactIsMade() throws Exception {
    var plain = Transport.plain();
    var model = Files.createDirectory(folder.resolve("model"));
    var data = folder.resolve("broker");
    try (var _ = Served.example(model, Served.options(2, 4));
        var broker = Broker.start(new Broker.Options(ANY, data, null, null, plain));
        var _ = peer(broker, "a");
        var client = BrokerClient.of(broker.address().toString(), plain);
        var source = ModelSource.open(model, DType.Scalar.F32)) {
      var brought = brought(client, source, model);
      var said = new ArrayList<String>();
      var wish = DeployRequest.getDefaultInstance();
      assertThatThrownBy(() -> brought.deploy(wish, Compiler.Cut.stages(1000), said::add))
          .isInstanceOfSatisfying(
              DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(Failure.INFEASIBLE))
          .hasMessageContaining("can be cut into at most");
      assertThat(said).isEmpty();
      var many = wish.toBuilder().setSessions(10_000).build();
      assertThatThrownBy(() -> brought.use(many, new Compiler.Cut.Whole(), said::add))
          .isInstanceOfSatisfying(
              DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(Failure.INFEASIBLE))
          .hasMessageContaining("10000 sessions")
          .hasMessageContaining("all peers together have 128MiB");
      assertThat(said).singleElement().asString().startsWith("waiting for peers: together");
    }
  }

  private ClusterModel brought(BrokerClient client, ModelSource source, Path model) {
    return new ClusterModel(
        client,
        source,
        model,
        null,
        ArtifactDigests.in(folder.resolve("cache").resolve("artifacts")));
  }

  /** What is deployed as asked for is quick; what is asked for otherwise is refused. */
  private static void isNotMadeAgain(ClusterModel again, DeployRequest wish) {
    var two = Compiler.Cut.stages(2);
    var said = new ArrayList<String>();
    again.use(wish, new Compiler.Cut.Whole(), said::add);
    again.use(wish, two, said::add);
    assertThat(said).isEmpty();
    again.deploy(wish, two, said::add);
    assertThat(said).hasSize(2).first().asString().endsWith("is deployed already");
    var rounded = wish.toBuilder().setEncode("f16").setSessions(3).build();
    assertThatThrownBy(() -> again.deploy(rounded, two, said::add))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("with sessions 2, not 3, encode f32, not f16");
    assertThatThrownBy(() -> again.deploy(wish, Compiler.Cut.stages(3), said::add))
        .hasMessageContaining("with stages 2, not 3");
  }

  private Peer peer(Broker broker, String name) {
    var options =
        new PeerOptions(
            List.of(broker.address()), name, 128L << 20, 1, folder.resolve(name), ANY, null);
    return Peer.start(options, Transport.plain(), line -> {});
  }
}
