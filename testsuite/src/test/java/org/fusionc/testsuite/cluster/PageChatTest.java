package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.fusionc.broker.Broker;
import org.fusionc.broker.page.PageServer;
import org.fusionc.runtime.cluster.ArtifactDigests;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.cluster.ClusterModel;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.TokenFile;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.PeerOptions;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.testsuite.Repository;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** What the page's chat asks its broker for, with a peer that has the example model. */
class PageChatTest {
  private static final Address ANY = new Address("127.0.0.1", 0);
  private static final String BODY =
      "{\"model\": \"play\", \"prompt\": \"ROMEO:\", \"max_tokens\": 40, \"temperature\": 0,"
          + " \"stream\": true}";

  @TempDir private Path folder;

  /** Asks for a text, of a cluster whose members have these tokens. */
  private HttpResponse<String> ask(
      @Nullable Path tokens, @Nullable String peerToken, @Nullable String clientToken)
      throws Exception {
    var plain = Transport.plain();
    var options = new Broker.Options(ANY, folder.resolve("broker"), null, tokens, plain);
    try (var broker = Broker.start(options);
        var page = PageServer.start(broker, ANY);
        var _ = peer(broker, peerToken);
        var client = BrokerClient.of(broker.address().toString(), transport(clientToken));
        var source = Example.open()) {
      var wish = DeployRequest.newBuilder().setName("play").setSessions(1).setContext(256).build();
      var model = Repository.root().resolve("examples/shakespeare");
      new ClusterModel(client, source, model, null, ArtifactDigests.none())
          .deploy(wish, new Compiler.Cut.Whole(), said -> {});
      try (var http = HttpClient.newHttpClient()) {
        var request =
            HttpRequest.newBuilder(URI.create("http://" + page.address() + "/v1/completions"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .POST(HttpRequest.BodyPublishers.ofString(BODY));
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      }
    }
  }

  private org.fusionc.runtime.peer.Peer peer(Broker broker, @Nullable String token) {
    var options =
        new PeerOptions(
            List.of(broker.address()), "p", 128L << 20, 1, folder.resolve("p"), ANY, null);
    return org.fusionc.runtime.peer.Peer.start(options, transport(token), line -> {});
  }

  private static Transport transport(@Nullable String token) {
    return Transport.of(new Transport.Options(null, token));
  }

  @Test
  void streamsAnAnswer() throws Exception {
    var answer = ask(null, null, null);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/event-stream");
    var events = answer.body().lines().filter(line -> line.startsWith("data:")).toList();
    assertThat(events).hasSizeGreaterThan(10).last().isEqualTo("data: [DONE]");
    var json = new JsonMapper();
    var text = new StringBuilder();
    for (var event : events.subList(0, events.size() - 1)) {
      text.append(json.readTree(event.substring(5)).at("/choices/0/text").asString(""));
    }
    assertThat(text).hasSizeGreaterThan(40);
  }

  @Test
  void hasNoCredentialsWhereTheClusterAsksForThem() throws Exception {
    var file = folder.resolve("tokens");
    var later = Instant.now().plus(Duration.ofHours(1));
    var peer = TokenFile.create(file, Role.PEER, "a-peer", later);
    var client = TokenFile.create(file, Role.CLIENT, "a-client", later);
    var answer = ask(file, peer, client);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("certificates or tokens", "fusionc serve --cluster");
  }
}
