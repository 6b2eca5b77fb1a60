package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.serve.ApiKeys;
import org.fusionc.runtime.serve.ApiServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** More clients than there is room for, and clients that leave, dawdle or say nothing. */
class LoadTest {
  private static final String ENDLESS = "\"prompt\": \"ROMEO:\", \"logit_bias\": {\"0\": -100}";

  /** A text that takes longer than any test. */
  private static final String LONG = ENDLESS + ", \"max_tokens\": 30000";

  /** A text that takes a second or so. */
  private static final String MEDIUM = ENDLESS + ", \"max_tokens\": 400";

  private static final String SHORT = "\"prompt\": \"ROMEO:\", \"max_tokens\": 4, \"seed\": 1";
  private static final String PATH = "/v1/completions";

  private Served served;

  @BeforeEach
  void start(@TempDir Path scratch) {
    served = Served.example(scratch, options(1), 32_768);
  }

  private static ApiServer.Options options(int sessions) {
    return new ApiServer.Options(
        new Address("127.0.0.1", 0),
        sessions,
        2,
        ApiKeys.none(),
        32,
        Duration.ofSeconds(1),
        Duration.ofSeconds(1));
  }

  @AfterEach
  void stop() {
    served.close();
  }

  @Test
  void aClientThatLeavesFreesItsPlaceAtWorkAndInTheQueue() throws IOException {
    // A stream, a whole answer, and one in the queue.
    for (var stream : new boolean[] {true, false}) {
      var first = open(LONG + ", \"stream\": " + stream);
      Served.eventually("the first runs", () -> served.metric("fusionc_sessions_live") == 1);
      var second = open(LONG);
      Served.eventually("the second waits", () -> served.metric("fusionc_sessions_waiting") == 1);
      second.close();
      Served.eventually("the queue is empty", () -> served.metric("fusionc_sessions_waiting") == 0);
      assertThat(served.metric("fusionc_sessions_live")).isEqualTo(1);
      first.close();
      Served.eventually("all is free", () -> served.metric("fusionc_sessions_live") == 0);
      Served.eventually("the cache, too", () -> served.metric("fusionc_kv_pages_used") == 0);
    }
    assertThat(served.metric("fusionc_requests_cancelled_total")).isGreaterThanOrEqualTo(2);
    served.completion(SHORT);
  }

  @Test
  void whoeverFindsTheQueueFullIsToldToComeBack() {
    var expected = Served.text(served.completion(SHORT));
    var running = async(MEDIUM);
    Served.eventually("it runs", () -> served.metric("fusionc_sessions_live") == 1);
    var waiting = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 2; i++) {
      waiting.add(async(SHORT));
    }
    Served.eventually("two wait", () -> served.metric("fusionc_sessions_waiting") == 2);
    var refused = served.send(served.post(PATH, served.body(SHORT)));
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(refused.body()).contains("rate_limit_exceeded");
    assertThat(running.join().statusCode()).isEqualTo(200);
    for (var one : waiting) {
      assertThat(Served.text(Served.JSON.readTree(one.join().body()))).isEqualTo(expected);
    }
    var never = served.send(served.post(PATH, served.body(SHORT + ", \"n\": 4")));
    assertThat(never.statusCode()).isEqualTo(400);
    assertThat(served.completion(SHORT + ", \"n\": 3").get("choices").size()).isEqualTo(3);
  }

  @Test
  void shuttingDownFinishesWhatRunsAndTakesNoMore() throws Exception {
    var running = async(MEDIUM);
    Served.eventually("it runs", () -> served.metric("fusionc_sessions_live") == 1);
    var ending =
        CompletableFuture.runAsync(() -> {
          try {
            served.server.shutDown(Duration.ofSeconds(30));
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    Served.eventually(
        "no longer ready", () -> served.send(served.request("/ready").build()).statusCode() == 503);
    var late = served.send(served.post(PATH, served.body(SHORT)));
    assertThat(late.statusCode()).isEqualTo(503);
    assertThat(late.body()).contains("shutting_down");
    var answer = Served.JSON.readTree(running.join().body());
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(400);
    ending.join();
  }

  @Test
  void aClientThatSaysNothingOrDripsIsCutOff() throws Exception {
    try (var silent = connect();
        var dripping = connect()) {
      var drip =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  while (true) {
                    dripping.getOutputStream().write("P".getBytes(StandardCharsets.US_ASCII));
                    Thread.sleep(50);
                  }
                } catch (IOException | InterruptedException cut) {
                  // That is what is waited for.
                }
              });
      assertThat(ended(silent.getInputStream())).isTrue();
      assertThat(ended(dripping.getInputStream())).isTrue();
      drip.interrupt();
    }
    served.completion(SHORT);
  }

  @Test
  void aSlowReaderKeepsNobodyButItself(@TempDir Path other) throws Exception {
    served.close();
    served = Served.example(Files.createDirectory(other.resolve("model")), options(2), 32_768);
    try (var slow = new Socket()) {
      slow.setReceiveBufferSize(2048);
      slow.connect(served.server.address().resolve());
      // Many alternatives, so that the answer is larger than what the system's buffers take.
      send(slow, LONG + ", \"stream\": true, \"logprobs\": 20");
      Served.eventually("it runs", () -> served.metric("fusionc_sessions_live") == 1);
      served.completion(SHORT);
      // It does not even take what it is sent: it is cut off, though it keeps its connection.
      Served.eventually("it is cut off", () -> served.metric("fusionc_sessions_live") == 0);
    }
    Served.eventually("all is free", () -> served.metric("fusionc_sessions_live") == 0);
  }

  private static boolean ended(InputStream in) {
    try {
      in.readAllBytes();
    } catch (IOException reset) {
      // Ended as well.
    }
    return true;
  }

  private Socket connect() throws IOException {
    var address = served.server.address();
    var socket = new Socket(address.host(), address.port());
    socket.setSoTimeout(60_000);
    return socket;
  }

  private Socket open(String fields) throws IOException {
    var socket = connect();
    send(socket, fields);
    return socket;
  }

  private void send(Socket socket, String fields) throws IOException {
    var body = served.body(fields);
    var head =
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".formatted(PATH)
            + "Content-Length: "
            + body.length()
            + "\r\n\r\n";
    socket.getOutputStream().write((head + body).getBytes(StandardCharsets.UTF_8));
  }

  private CompletableFuture<HttpResponse<String>> async(String fields) {
    return served.client.sendAsync(
        served.post(PATH, served.body(fields)), HttpResponse.BodyHandlers.ofString());
  }
}
