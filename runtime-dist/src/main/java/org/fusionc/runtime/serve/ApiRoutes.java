package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The API as a part of a server, which may have other things beside it. All connections of the
 * server are watched: whoever is slow, or has gone, holds nothing for long.
 */
public final class ApiRoutes implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ApiRoutes.class);

  /** Held here, so that its level stays: what the library says of itself is of no interest. */
  private static final java.util.logging.Logger LIBRARY =
      java.util.logging.Logger.getLogger("io.helidon");

  static {
    LIBRARY.setLevel(java.util.logging.Level.SEVERE);
  }

  private static final String MODELS = "/v1/models";
  static final String HEAD = "HEAD";
  private static final Set<String> GET = Set.of("/health", "/ready", "/metrics", MODELS);
  private static final Set<String> POST = Set.of("/v1/chat/completions", "/v1/completions");

  private final ServedModels models;
  private final ApiKeys keys;
  private final long created = Instant.now().getEpochSecond();
  private final ApiMetrics metrics = new ApiMetrics();
  private final Connections connections;
  private final AtomicInteger atWork = new AtomicInteger();
  private volatile boolean draining;

  /**
   * The API for some models.
   *
   * @param readLimit within which a request must have come, from the connection's beginning or the
   *     last answer's end
   * @param writeLimit within which a client must take each piece of an answer
   */
  public ApiRoutes(ServedModels models, ApiKeys keys, Duration readLimit, Duration writeLimit) {
    this.models = models;
    this.keys = keys;
    this.connections = new Connections(readLimit, writeLimit);
  }

  /** Something else that the server answers; it may send events of one line each. */
  public interface Other {
    void answer(Consumer<byte[]> events) throws InterruptedException;
  }

  /**
   * Sets up a server.
   *
   * @param handler of all requests; it calls {@link #handle} or {@link #other} for each
   */
  public WebServerConfig.Builder addTo(WebServerConfig.Builder server, Handler handler) {
    var plain = DirectHandlers.builder();
    for (var type : DirectHandler.EventType.values()) {
      plain.addHandler(type, ApiRoutes::refuse);
    }
    return server
        .shutdownGracePeriod(Duration.ofMillis(100))
        .protocolsDiscoverServices(false)
        .featuresDiscoverServices(false)
        .addConnectionSelector(connections)
        .directHandlers(plain.build())
        .routing((HttpRouting.Builder routing) -> routing.any(handler));
  }

  ApiMetrics metrics() {
    return metrics;
  }

  Connections connections() {
    return connections;
  }

  /** Has something else answer a request. */
  public void other(ServerRequest request, ServerResponse response, Other other) {
    var connection = connections.of(request.socketId());
    var exchange = new Exchange(request, response, connection);
    connection.working();
    try {
      other.answer(exchange::event);
    } catch (Exchange.Gone gone) {
      leave("events");
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      leave("events");
    } finally {
      connection.done();
    }
    endIfLast(request, response);
  }

  /**
   * Ends the connection where this was to be its last answer: the library says so, but would wait
   * for another request.
   */
  private static void endIfLast(ServerRequest request, ServerResponse response) {
    if (closes(request.headers()) || closes(response.headers())) {
      leave("the last answer");
    }
  }

  private static boolean closes(Headers headers) {
    return headers.contains(HeaderNames.CONNECTION)
        && headers.get(HeaderNames.CONNECTION).allValues().stream()
            .flatMap(value -> Stream.of(value.split(",", -1)))
            .anyMatch(token -> token.strip().equalsIgnoreCase("close"));
  }

  /**
   * What is not even HTTP is answered in the same shape. The library takes some of it for a failure
   * of its own; but no request comes here that has reached a handler.
   */
  private static DirectHandler.TransportResponse refuse(
      DirectHandler.TransportRequest request,
      DirectHandler.EventType type,
      Status status,
      ServerResponseHeaders headers,
      @Nullable String message) {
    boolean known = status.code() >= 400 && status.code() < 500;
    var answer = known ? status : Status.BAD_REQUEST_400;
    LOG.info(
        "not a request: {}", message == null ? answer.reasonPhrase() : ApiException.quote(message));
    var said = "The request is not valid HTTP: " + answer.reasonPhrase() + ".";
    // The library refuses these before anything else is looked at, and does not say why.
    if (request.headers().contains(HeaderNames.CONTENT_ENCODING)) {
      var encoding = request.headers().get(HeaderNames.CONTENT_ENCODING).get();
      answer = Status.UNSUPPORTED_MEDIA_TYPE_415;
      said =
          "The body's Content-Encoding, %s, is not supported: send it without any."
              .formatted(ApiException.quote(encoding));
    }
    var node = JsonNodeFactory.instance.objectNode();
    var error = node.putObject("error");
    error.put("message", said);
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

  /** Answers a request for the API; one for something else gets an error. */
  public void handle(ServerRequest request, ServerResponse response) {
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
    endIfLast(request, response);
  }

  private static void send(Exchange exchange, ApiException error) {
    try {
      exchange.send(error);
    } catch (Exchange.Gone gone) {
      leave("error");
    }
  }

  /** Ends a connection. */
  private static void leave(String why) {
    throw new io.helidon.webserver.CloseConnectionException(why);
  }

  private void dispatch(ServerRequest request, Exchange exchange, String path)
      throws InterruptedException {
    boolean one = path.startsWith(MODELS + "/");
    boolean get = GET.contains(path) || one;
    if (!get && !POST.contains(path)) {
      throw ApiException.of(
          404, "not_found", null, "There is nothing at %s.".formatted(ApiException.quote(path)));
    }
    var methods = get ? List.of("GET", HEAD) : List.of("POST");
    if (!methods.contains(request.prologue().method().text())) {
      exchange.header("Allow", String.join(", ", methods));
      throw ApiException.of(
          405,
          "method_not_allowed",
          null,
          "%s takes %s only.".formatted(path, String.join(" and ", methods)));
    }
    if (path.equals("/health")) {
      exchange.send(JsonNodeFactory.instance.objectNode().put("status", "ok"));
      return;
    }
    if (path.equals("/ready")) {
      if (draining) {
        throw ApiException.shuttingDown();
      }
      models
          .unready()
          .ifPresent(reason -> {
            throw ApiException.notReady(reason);
          });
      exchange.send(JsonNodeFactory.instance.objectNode().put("status", "ready"));
      return;
    }
    var header = request.headers();
    keys.check(
        header.contains(HeaderNames.AUTHORIZATION)
            ? Optional.of(header.get(HeaderNames.AUTHORIZATION).get())
            : Optional.empty());
    switch (path) {
      case "/metrics" ->
          exchange.send(
              200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().getBytes(UTF_8));
      case MODELS -> {
        var list = JsonNodeFactory.instance.objectNode().put("object", "list");
        var data = list.putArray("data");
        models.list().forEach(model -> data.add(describe(model)));
        exchange.send(list);
      }
      case "/v1/chat/completions" -> generate(Job.Kind.CHAT, exchange);
      case "/v1/completions" -> generate(Job.Kind.TEXT, exchange);
      default -> {
        var wanted = path.substring(MODELS.length() + 1);
        var found = models.list().stream().filter(model -> model.name().equals(wanted)).findFirst();
        exchange.send(describe(found.orElseThrow(() -> noModel(wanted))));
      }
    }
  }

  private void generate(Job.Kind kind, Exchange exchange) throws InterruptedException {
    if (draining) {
      throw ApiException.shuttingDown();
    }
    try {
      answer(kind, exchange);
    } catch (Exchange.Gone gone) {
      metrics.cancelled();
      throw gone;
    }
  }

  private void answer(Job.Kind kind, Exchange exchange) throws InterruptedException {
    var fields = Fields.of(Json.body(exchange.body()), "");
    var name = fields.requiredString("model");
    exchange.connection().working();
    try (var loan = models.borrow(name).orElseThrow(() -> noModel(name))) {
      new Completions(loan.model(), metrics).answer(kind, fields, exchange);
    }
  }

  private ApiException noModel(String wanted) {
    var names = models.list().stream().map(ServedModels.Description::name).toList();
    return ApiException.noModel(wanted, names);
  }

  private ObjectNode describe(ServedModels.Description model) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("id", model.name())
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "fusionc")
        .put("max_model_len", model.context())
        .put("chat", model.chat());
  }

  /** From now on nothing is generated. */
  void refuseAll() {
    draining = true;
  }

  /**
   * Takes no more requests, and lets those that run end, for so long at most.
   *
   * @return how many have not
   */
  int drain(Duration patience) throws InterruptedException {
    draining = true;
    long end = System.nanoTime() + patience.toNanos();
    while (atWork.get() > 0 && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    return atWork.get();
  }

  @Override
  public void close() {
    draining = true;
    connections.close();
    metrics.close();
  }
}
