package org.fusionc.broker.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.fusionc.broker.Broker;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.LinkStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The page and what it reads, over HTTP. */
class PageServerTest {
  private static final Address ANY = new Address("127.0.0.1", 0);

  @TempDir static Path folder;
  private final HttpClient client = HttpClient.newHttpClient();
  private Broker broker;
  private PageServer page;

  @BeforeEach
  void start() {
    broker = Broker.start(new Broker.Options(ANY, folder, null, null, Transport.plain()));
    page = PageServer.start(broker, ANY);
  }

  @AfterEach
  void close() {
    page.close();
    broker.close();
    client.close();
  }

  private HttpRequest.Builder at(String path) {
    return HttpRequest.newBuilder(URI.create("http://" + page.address() + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  @Test
  void servesThePageAndNothingThatComesFromElsewhere() throws Exception {
    for (var path : new String[] {"/", "/page.css", "/page.js", "/chat.js"}) {
      var answer = send(at(path));
      assertThat(answer.statusCode()).as(path).isEqualTo(200);
      assertThat(answer.headers().firstValue("Content-Security-Policy").orElseThrow())
          .contains("default-src 'self'", "style-src 'self'", "img-src data:")
          .doesNotContain("unsafe");
      assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
      assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache");
      assertThat(answer.body().replace("http://www.w3.org/2000/svg", ""))
          .as("%s names no other server", path)
          .doesNotContain("http://", "https://", "//cdn");
    }
    assertThat(send(at("/")).headers().firstValue("Content-Type"))
        .contains("text/html; charset=utf-8");
    assertThat(send(at("/")).body()).contains("page.js").doesNotContain("style=", "onclick");
  }

  @Test
  void aPortThatIsTakenIsSaid() {
    assertThatThrownBy(() -> PageServer.start(broker, page.address()))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("the page cannot be served there")
        .hasMessageContaining("--http");
  }

  @Test
  void refusesWhatIsNotThere() throws Exception {
    for (var path : new String[] {"/page", "/index.html", "/page.js/", "/api", "/%2e%2e/x"}) {
      assertThat(send(at(path)).statusCode()).as(path).isEqualTo(404);
    }
    for (var path : new String[] {"/", "/page.js", "/api/status", "/api/events"}) {
      var answer = send(at(path).POST(BodyPublishers.ofString("x")));
      assertThat(answer.statusCode()).as(path).isEqualTo(405);
      assertThat(answer.headers().firstValue("Allow")).contains("GET, HEAD");
    }
  }

  @Test
  void givesTheStatusAsThePageReadsIt() throws Exception {
    var status = new JsonMapper().readTree(send(at("/api/status")).body());
    assertThat(status.get("broker").stringValue()).isEqualTo(broker.address().toString());
    for (var list : new String[] {"peers", "links", "deployments", "runs", "recentRecoveries"}) {
      assertThat(status.get(list).isArray()).as(list).isTrue();
    }
    var events = client.send(at("/api/events").build(), BodyHandlers.ofLines());
    try (var lines = events.body()) {
      assertThat(lines.filter(line -> line.startsWith("data:")).findFirst().orElseThrow())
          .contains("\"recentRecoveries\"");
    }
  }

  @Test
  void whoeverAsksForTheHeadGetsThatOfTheAnswer() throws Exception {
    for (var path : List.of("/", "/page.js", "/api/status", "/api/events", "/nothing")) {
      try (var socket = new Socket("127.0.0.1", page.address().port())) {
        socket.setSoTimeout(30_000);
        var head = "HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).as(path).startsWith("HTTP/1.1 ").endsWith("\r\n\r\n");
      }
      if (!path.equals("/api/events")) {
        var get = send(at(path)).headers().firstValueAsLong("Content-Length").orElseThrow();
        var head = send(at(path).method("HEAD", BodyPublishers.noBody()));
        assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(get);
      }
    }
  }

  @Test
  void numbersThatAreNoneAreNull() {
    var message = LinkStatus.newBuilder().setLatency(Double.NaN).setBandwidth(Double.MAX_VALUE);
    var json = new JsonMapper().readTree(MessageJson.text(message.build()));
    assertThat(json.get("latency").isNull()).isTrue();
    assertThat(json.get("bandwidth").doubleValue()).isEqualTo(Double.MAX_VALUE);
    message.setLatency(Double.POSITIVE_INFINITY);
    assertThat(MessageJson.text(message.build())).contains("\"latency\":null");
  }

  @Test
  void isForThisMachineOnly() throws Exception {
    assertThatThrownBy(() -> PageServer.start(broker, new Address("0.0.0.0", 0)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("loopback");
    assertThat(status("evil.example")).isEqualTo("HTTP/1.1 421 Misdirected Request");
    assertThat(status("127.0.0.1.evil.example:80")).startsWith("HTTP/1.1 421");
    assertThat(status("localhost:" + page.address().port())).isEqualTo("HTTP/1.1 200 OK");
  }

  @Test
  void closesConnectionsThatAskForNothing() throws Exception {
    try (var impatient = PageServer.start(broker, ANY, Duration.ofMillis(100));
        var silent = new Socket("127.0.0.1", impatient.address().port());
        var dripping = new Socket("127.0.0.1", impatient.address().port());
        var idle = new Socket("127.0.0.1", impatient.address().port())) {
      dripping.getOutputStream().write("GET / HTT".getBytes(StandardCharsets.US_ASCII));
      var whole = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
      idle.getOutputStream().write(whole.getBytes(StandardCharsets.US_ASCII));
      for (var socket : new Socket[] {silent, dripping, idle}) {
        socket.setSoTimeout(30_000);
        // Reads until its end, which the server makes.
        var said = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        if (socket == idle) {
          assertThat(said).startsWith("HTTP/1.1 200");
        }
      }
    }
    assertThat(send(at("/")).statusCode()).isEqualTo(200);
  }

  private String status(String host) throws Exception {
    try (var socket = new Socket("127.0.0.1", page.address().port())) {
      var head = "GET /api/status HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      return new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
          .readLine();
    }
  }
}
