package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Listens for requests, and says no to those that are none. */
public final class ApiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);

  /** Held here, so that its level stays: what the library says of itself is of no interest. */
  private static final java.util.logging.Logger LIBRARY =
      java.util.logging.Logger.getLogger("io.helidon");

  static {
    LIBRARY.setLevel(java.util.logging.Level.SEVERE);
  }

  private static final String MODELS = "/v1/models";
  private static final Set<String> GET = Set.of("/health", "/ready", "/metrics", MODELS);
  private static final Set<String> POST = Set.of("/v1/chat/completions", "/v1/completions");

  /**
   * How to serve.
   *
   * @param listen where; port 0 lets the system choose
   * @param sessions texts that are generated at once
   * @param maxQueue texts that wait for their turn at most; more are refused
   * @param connections clients that are connected at once at most
   * @param readLimit within which a request must have come, from the connection's beginning or the
   *     last answer's end
   * @param writeLimit within which a client must take each piece of an answer
   */
  public record Options(
      Address listen,
      int sessions,
      int maxQueue,
      ApiKeys keys,
      int connections,
      Duration readLimit,
      Duration writeLimit) {
    public Options {
      if (sessions < 1) {
        throw Diagnostic.usage("--sessions is " + sessions, "give 1 or more").exception();
      }
      if (maxQueue < 0) {
        throw Diagnostic.usage("--max-queue is " + maxQueue, "give 0 or more").exception();
      }
    }

    /** With time limits and a number of connections that suit most. */
    public Options(Address listen, int sessions, int maxQueue, ApiKeys keys) {
      this(
          listen,
          sessions,
          maxQueue,
          keys,
          Math.max(256, 2 * (sessions + maxQueue)),
          Duration.ofSeconds(60),
          Duration.ofSeconds(60));
    }
  }

  private final ServedModel model;
  private final Options options;
  private final long created = Instant.now().getEpochSecond();
  private final ApiMetrics metrics = new ApiMetrics();
  private final Admission admission;
  private final Completions completions;
  private final Connections connections;
  private final WebServer server;
  private final AtomicInteger atWork = new AtomicInteger();
  private volatile boolean draining;

  private ApiServer(ServedModel model, Options options) {
    this.model = model;
    this.options = options;
    this.admission = new Admission(options.sessions, options.maxQueue);
    this.completions = new Completions(model, admission, metrics);
    this.connections = new Connections(options.readLimit, options.writeLimit);
    var engine = model.engine();
    metrics.gauge("fusionc.sessions.live", "texts being generated", admission::running);
    metrics.gauge("fusionc.sessions.waiting", "texts that wait for a turn", admission::waiting);
    metrics.gauge("fusionc.sessions.most", "texts at once at most", () -> options.sessions);
    metrics.gauge("fusionc.kv.pages.used", "pages of the KV cache in use", engine::pagesUsed);
    metrics.gauge("fusionc.kv.pages", "pages of the KV cache", () -> engine.limits().pages());
    metrics.gauge("fusionc.connections", "connected clients", connections::count);
    this.server = web();
  }

  /**
   * Starts listening.
   *
   * @param model what is served; not closed with the server
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the address cannot be listened on
   */
  public static ApiServer start(ServedModel model, Options options) {
    var server = new ApiServer(model, options);
    try {
      server.server.start();
    } catch (RuntimeException failed) {
      server.connections.close();
      throw Diagnostic.failed(
              Location.named(options.listen.toString()),
              "the server cannot listen there: " + reason(failed),
              "choose another --listen address, or stop what uses it")
          .exception();
    }
    return server;
  }

  private static String reason(Throwable failed) {
    return failed.getCause() == null ? failed.toString() : reason(failed.getCause());
  }

  private WebServer web() {
    var plain = DirectHandlers.builder();
    for (var type : DirectHandler.EventType.values()) {
      plain.addHandler(type, ApiServer::refuse);
    }
    return WebServer.builder()
        .host(options.listen.host())
        .port(options.listen.port())
        .shutdownHook(false)
        .shutdownGracePeriod(Duration.ofMillis(100))
        .maxTcpConnections(options.connections)
        .protocolsDiscoverServices(false)
        .featuresDiscoverServices(false)
        .addConnectionSelector(connections)
        .directHandlers(plain.build())
        .routing((HttpRouting.Builder routing) -> routing.any(this::handle))
        .build();
  }

  /**
   * What is not even HTTP is answered in the same shape. The library takes some of it for a failure
   * of its own; but no request comes here that has reached {@link #handle}.
   */
  private static DirectHandler.TransportResponse refuse(
      DirectHandler.TransportRequest request,
      DirectHandler.EventType type,
      Status status,
      ServerResponseHeaders headers,
      String message) {
    boolean known = status.code() >= 400 && status.code() < 500;
    var answer = known ? status : Status.BAD_REQUEST_400;
    LOG.info("not a request: {}", ApiException.quote(message));
    var node = JsonNodeFactory.instance.objectNode();
    var error = node.putObject("error");
    error.put("message", "The request is not valid HTTP: " + answer.reasonPhrase() + ".");
    error.put("type", "invalid_request_error");
    error.putNull("param");
    error.putNull("code");
    return DirectHandler.TransportResponse.builder()
        .status(answer)
        .headers(headers)
        .header(HeaderNames.CONTENT_TYPE, "application/json")
        .keepAlive(false)
        .entity(Json.bytes(node))
        .build();
  }

  private void handle(ServerRequest request, ServerResponse response) {
    var connection = connections.of(request.socketId());
    var exchange = new Exchange(request, response, connection);
    var path = request.path().path();
    var endpoint = GET.contains(path) || POST.contains(path) ? path : "other";
    atWork.incrementAndGet();
    try {
      dispatch(request, exchange, path);
    } catch (ApiException refused) {
      send(exchange, refused);
    } catch (DiagnosticException failed) {
      LOG.warn("{}: {}", endpoint, failed.getMessage());
      send(exchange, Completions.failure(failed));
    } catch (Exchange.Gone gone) {
      leave(endpoint);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      leave(endpoint);
    } catch (RuntimeException | StackOverflowError failed) {
      if (connection.isGone()) {
        leave(endpoint);
      }
      LOG.error("{} failed", endpoint, failed);
      send(exchange, Completions.failure(failed));
    } finally {
      atWork.decrementAndGet();
      metrics.request(endpoint, exchange.status());
      connection.done();
    }
  }

  private static void send(Exchange exchange, ApiException error) {
    try {
      exchange.send(error);
    } catch (Exchange.Gone gone) {
      leave("error");
    }
  }

  /** Ends a connection that nobody is at the other end of. */
  private static void leave(String endpoint) {
    throw new io.helidon.webserver.CloseConnectionException(endpoint + ": the client has gone");
  }

  private void dispatch(ServerRequest request, Exchange exchange, String path)
      throws InterruptedException {
    boolean models = path.startsWith(MODELS + "/");
    boolean get = GET.contains(path) || models;
    if (!get && !POST.contains(path)) {
      throw ApiException.of(
          404, "not_found", null, "There is nothing at %s.".formatted(ApiException.quote(path)));
    }
    var method = get ? "GET" : "POST";
    if (!request.prologue().method().text().equals(method)) {
      exchange.header("Allow", method);
      throw ApiException.of(
          405, "method_not_allowed", null, "%s takes %s only.".formatted(path, method));
    }
    if (path.equals("/health")) {
      exchange.send(JsonNodeFactory.instance.objectNode().put("status", "ok"));
      return;
    }
    if (path.equals("/ready")) {
      if (draining) {
        throw ApiException.shuttingDown();
      }
      exchange.send(JsonNodeFactory.instance.objectNode().put("status", "ready"));
      return;
    }
    var header = request.headers();
    options.keys.check(
        header.contains(HeaderNames.AUTHORIZATION)
            ? Optional.of(header.get(HeaderNames.AUTHORIZATION).get())
            : Optional.empty());
    switch (path) {
      case "/metrics" ->
          exchange.send(
              200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().getBytes(UTF_8));
      case MODELS -> {
        var list = JsonNodeFactory.instance.objectNode().put("object", "list");
        list.putArray("data").add(description());
        exchange.send(list);
      }
      case "/v1/chat/completions" -> generate(Job.Kind.CHAT, exchange);
      case "/v1/completions" -> generate(Job.Kind.TEXT, exchange);
      default -> {
        var wanted = path.substring(MODELS.length() + 1);
        if (!wanted.equals(model.name())) {
          throw ApiException.noModel(wanted, model.name());
        }
        exchange.send(description());
      }
    }
  }

  private void generate(Job.Kind kind, Exchange exchange) throws InterruptedException {
    if (draining) {
      throw ApiException.shuttingDown();
    }
    try {
      completions.answer(kind, exchange);
    } catch (Exchange.Gone gone) {
      metrics.cancelled();
      throw gone;
    }
  }

  private ObjectNode description() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("id", model.name())
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "fusionc")
        .put("max_model_len", model.context());
  }

  /** The address listened on, with the port that was chosen. */
  public Address address() {
    return options.listen.withPort(server.port());
  }

  /** Adds a gauge to the metrics. */
  public void gauge(String name, String description, Supplier<Number> value) {
    metrics.gauge(name, description, value);
  }

  /** What counts and gauges say now, in Prometheus' text format. */
  public String metrics() {
    return metrics.text();
  }

  /** Takes no more requests, lets those that run end, for so long at most, then stops. */
  public void shutDown(Duration patience) throws InterruptedException {
    draining = true;
    long end = System.nanoTime() + patience.toNanos();
    while (atWork.get() > 0 && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    int left = atWork.get();
    if (left > 0) {
      LOG.warn("shutting down with {} requests unanswered", left);
    }
    close();
  }

  @Override
  public void close() {
    draining = true;
    server.stop();
    connections.close();
    metrics.close();
  }
}
