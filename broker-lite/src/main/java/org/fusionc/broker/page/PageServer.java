package org.fusionc.broker.page;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.fusionc.broker.Broker;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.serve.ApiKeys;
import org.fusionc.runtime.serve.ApiRoutes;
import org.fusionc.runtime.serve.HttpStart;

/**
 * The broker's HTTP side, for browsers on this machine: the page at {@code /}; {@code GET
 * /api/status} gives the cluster's status as JSON, {@code GET /api/events} the same as server-sent
 * events, one whenever it has changed and at least every two seconds. Below {@code /v1/} is
 * OpenAI's API for the models that are deployed.
 */
public final class PageServer implements AutoCloseable {
  /** It tells of its start at length; kept here since a logger that nobody holds is forgotten. */
  private static final Logger HELIDON = Logger.getLogger("io.helidon");

  private static final int MOST_LISTENERS = 64;
  private static final Duration AT_LEAST = Duration.ofSeconds(2);

  /** Changes come in flurries: a page need not redraw more often than this. */
  private static final Duration AT_MOST = Duration.ofMillis(200);

  private static final int MOST_CONNECTIONS = 256;
  private static final Duration READ_LIMIT = Duration.ofSeconds(60);
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(30);

  private static final String API = "/v1/";
  private static final String STATUS = "/api/status";
  private static final String EVENTS = "/api/events";
  private static final Set<String> READ = Set.of("GET", "HEAD");

  private final Broker broker;
  private final Semaphore listeners = new Semaphore(MOST_LISTENERS);
  private final DeployedModels models;
  private final ApiRoutes api;
  private final WebServer server;
  private final Address address;
  private volatile boolean closed;

  private PageServer(Broker broker, Address listen, Duration readLimit) {
    this.broker = broker;
    InetAddress host = listen.resolve().getAddress();
    if (host == null || !host.isLoopbackAddress()) {
      throw Diagnostic.usage(
              "the page is served on loopback only, and " + listen + " is not loopback",
              "use --http 127.0.0.1:7780, and a tunnel or a proxy with TLS from elsewhere")
          .exception();
    }
    HELIDON.setLevel(Level.WARNING);
    models = new DeployedModels(broker);
    api = new ApiRoutes(models, ApiKeys.none(), readLimit, WRITE_LIMIT);
    var web =
        WebServer.builder()
            .address(host)
            .port(listen.port())
            .shutdownHook(false)
            .maxTcpConnections(MOST_CONNECTIONS);
    server = api.addTo(web, this::handle).build();
    try {
      HttpStart.start(
          server,
          listen,
          "the page cannot be served there",
          "stop what uses the port, or choose another with --http");
    } catch (DiagnosticException failure) {
      api.close();
      models.close();
      throw failure;
    }
    address = listen.withPort(server.port());
  }

  /**
   * Begins to serve.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the address is taken or not loopback
   */
  public static PageServer start(Broker broker, Address listen) {
    return start(broker, listen, READ_LIMIT);
  }

  /** For tests, which have less patience with connections that ask for nothing. */
  static PageServer start(Broker broker, Address listen, Duration readLimit) {
    return new PageServer(broker, listen, readLimit);
  }

  private void handle(ServerRequest request, ServerResponse response) {
    PageFiles.protect(response);
    if (LocalHost.asked(request) && request.path().path().startsWith(API)) {
      api.handle(request, response);
    } else {
      api.other(request, response, events -> answer(request, response, events));
    }
  }

  private void answer(ServerRequest request, ServerResponse response, Consumer<byte[]> events)
      throws InterruptedException {
    var path = request.path().path();
    if (!LocalHost.asked(request)) {
      refuse(request, response, Status.create(421, "Misdirected Request"), LocalHost.REFUSAL);
    } else if (!PageFiles.has(path) && !path.equals(STATUS) && !path.equals(EVENTS)) {
      refuse(request, response, Status.NOT_FOUND_404, "there is nothing here; the page is at /");
    } else if (!READ.contains(request.prologue().method().text())) {
      response.header(HeaderNames.ALLOW, "GET, HEAD");
      refuse(request, response, Status.METHOD_NOT_ALLOWED_405, "this can only be read");
    } else if (path.equals(STATUS)) {
      response.header(HeaderNames.CONTENT_TYPE, "application/json");
      response.header(HeaderNames.CACHE_CONTROL, "no-store");
      send(request, response, json().getBytes(StandardCharsets.UTF_8));
    } else if (!path.equals(EVENTS)) {
      response.header(HeaderNames.CONTENT_TYPE, PageFiles.type(path));
      send(request, response, PageFiles.content(path));
    } else if (isHead(request)) {
      response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
      response.send();
    } else {
      events(request, response, events);
    }
  }

  private static boolean isHead(ServerRequest request) {
    return request.prologue().method().text().equals("HEAD");
  }

  /** An answer, or its head alone to whoever asks for that. */
  private static void send(ServerRequest request, ServerResponse response, byte[] body) {
    if (isHead(request)) {
      response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
      response.send();
    } else {
      response.send(body);
    }
  }

  private static void refuse(
      ServerRequest request, ServerResponse response, Status status, String why) {
    response.header(HeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8");
    send(request, response.status(status), (why + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private String json() {
    return MessageJson.text(broker.status());
  }

  private void events(ServerRequest request, ServerResponse response, Consumer<byte[]> events)
      throws InterruptedException {
    if (!listeners.tryAcquire()) {
      refuse(request, response, Status.SERVICE_UNAVAILABLE_503, "too many pages are open");
      return;
    }
    try {
      long seen = -1;
      while (!closed) {
        seen = broker.await(seen, AT_LEAST);
        events.accept(json().getBytes(StandardCharsets.UTF_8));
        Thread.sleep(AT_MOST);
      }
    } finally {
      listeners.release();
    }
  }

  public Address address() {
    return address;
  }

  @Override
  public void close() {
    closed = true;
    server.stop();
    api.close();
    models.close();
  }
}
