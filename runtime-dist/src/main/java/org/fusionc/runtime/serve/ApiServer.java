package org.fusionc.runtime.serve;

import io.helidon.webserver.WebServer;
import java.time.Duration;
import java.util.function.Supplier;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Address;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens for requests, and says no to those that are none. */
public final class ApiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);

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

  private final Options options;
  private final ApiMetrics metrics;
  private final ApiRoutes routes;
  private final WebServer server;

  private ApiServer(ServedModel model, Options options) {
    this.options = options;
    var hosted = new HostedModel(model, options.sessions, options.maxQueue);
    this.routes =
        new ApiRoutes(
            ServedModels.one(hosted), options.keys, options.readLimit, options.writeLimit);
    this.metrics = routes.metrics();
    var admission = hosted.admission();
    var connections = routes.connections();
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
      HttpStart.start(
          server.server,
          options.listen,
          "the server cannot listen there",
          "choose another --listen address, or stop what uses it");
    } catch (DiagnosticException failed) {
      server.routes.close();
      throw failed;
    }
    return server;
  }

  private WebServer web() {
    var web =
        WebServer.builder()
            .host(options.listen.host())
            .port(options.listen.port())
            .shutdownHook(false)
            .maxTcpConnections(options.connections);
    return routes.addTo(web, routes::handle).build();
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
    int left = routes.drain(patience);
    if (left > 0) {
      LOG.warn("shutting down with {} requests unanswered", left);
    }
    close();
  }

  @Override
  public void close() {
    routes.refuseAll();
    server.stop();
    routes.close();
  }
}
