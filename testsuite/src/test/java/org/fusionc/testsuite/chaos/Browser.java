package org.fusionc.testsuite.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A headless Chromium with one page, driven over its own debugging protocol. */
final class Browser implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration START = Duration.ofSeconds(60);
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final Process process;
  private final HttpClient http = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger next = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> errors = new CopyOnWriteArrayList<>();

  private Browser(Process process, Path folder) throws Exception {
    this.process = process;
    int port = port(folder.resolve("DevToolsActivePort"));
    var pages =
        JSON.readTree(
            http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/list"))
                        .build(),
                    HttpResponse.BodyHandlers.ofString())
                .body());
    var page =
        pages
            .valueStream()
            .filter(each -> each.get("type").stringValue().equals("page"))
            .findFirst()
            .orElseThrow();
    socket =
        http.newWebSocketBuilder()
            .buildAsync(URI.create(page.get("webSocketDebuggerUrl").stringValue()), new Messages())
            .join();
    for (var domain : List.of("Page", "Network", "Runtime", "Log")) {
      ask(domain + ".enable", "{}");
    }
  }

  /** The browser's program; empty if this machine has none. */
  static Optional<Path> program() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1))
        .flatMap(folder ->
            Stream.of("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome")
                .map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it with a profile in this folder. */
  static Browser start(Path program, Path folder) throws Exception {
    var process =
        new ProcessBuilder(
                program.toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--window-size=1280,1500",
                "--remote-debugging-port=0",
                "--user-data-dir=" + folder,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return new Browser(process, folder);
    } catch (Exception | Error failure) {
      process.destroyForcibly();
      throw failure;
    }
  }

  private static int port(Path file) throws Exception {
    long end = System.nanoTime() + START.toNanos();
    while (System.nanoTime() < end) {
      if (Files.exists(file)) {
        var lines = Files.readAllLines(file);
        if (!lines.isEmpty() && !lines.getFirst().isBlank()) {
          return Integer.parseInt(lines.getFirst());
        }
      }
      Thread.sleep(50);
    }
    throw new AssertionError("the browser did not start in " + START);
  }

  private final class Messages implements WebSocket.Listener {
    private final StringBuilder part = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      part.append(data);
      if (last) {
        heard(JSON.readTree(part.toString()));
        part.setLength(0);
      }
      from.request(1);
      return CompletableFuture.completedStage(null);
    }
  }

  private void heard(JsonNode message) {
    if (message.has("id")) {
      asked.remove(message.get("id").asInt()).complete(message);
      return;
    }
    var what = message.get("params");
    switch (message.get("method").asString()) {
      case "Network.requestWillBeSent" -> requests.add(what.at("/request/url").asString());
      case "Runtime.exceptionThrown" -> errors.add(what.get("exceptionDetails").toString());
      case "Runtime.consoleAPICalled" -> {
        if (List.of("error", "warning", "assert").contains(what.get("type").asString())) {
          errors.add(what.toString());
        }
      }
      case "Log.entryAdded" -> {
        if (what.at("/entry/level").asString().equals("error")) {
          errors.add(what.get("entry").toString());
        }
      }
      default -> {
        // Of no interest.
      }
    }
  }

  private JsonNode ask(String method, String params) {
    int id = next.incrementAndGet();
    var answer = new CompletableFuture<JsonNode>();
    asked.put(id, answer);
    var text = "{\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}";
    socket.sendText(text, true).join();
    var got = answer.orTimeout(ANSWER.toSeconds(), TimeUnit.SECONDS).join();
    if (got.has("error")) {
      throw new AssertionError(method + ": " + got.get("error"));
    }
    return got.get("result");
  }

  void open(String address) {
    ask("Page.navigate", "{\"url\":" + JSON.writeValueAsString(address) + "}");
  }

  /** What an expression in the page's own language gives, as text. */
  String evaluate(String expression) {
    var params = Map.of("expression", expression, "returnByValue", true);
    var result = ask("Runtime.evaluate", JSON.writeValueAsString(params));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + result.get("exceptionDetails"));
    }
    var value = result.at("/result/value");
    return value.isMissingNode() ? "" : value.asString();
  }

  /** Waits until an expression is true. */
  void await(String expression, Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (!evaluate("Boolean(" + expression + ")").equals("true")) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "never true: "
                + expression
                + "; the page says:\n"
                + evaluate("document.body.innerText"));
      }
      Thread.sleep(100);
    }
  }

  /** Addresses that the page has asked for. */
  List<String> requests() {
    return requests;
  }

  /** What the page's console and the browser's log say is wrong. */
  List<String> errors() {
    return errors;
  }

  /** Shows pages as somebody sees them who prefers light or dark ones. */
  void prefer(String scheme) {
    ask(
        "Emulation.setEmulatedMedia",
        "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + scheme + "\"}]}");
  }

  void screenshot(Path file) {
    var data = ask("Page.captureScreenshot", "{}").get("data").asString();
    try {
      Files.write(file, Base64.getDecoder().decode(data));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    socket.abort();
    http.shutdownNow();
    var all = Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    process.onExit().join();
  }
}
