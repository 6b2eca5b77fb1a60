package org.fusionc.runtime.serve;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What the server counts, in Prometheus' text format. */
final class ApiMetrics {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Counter promptTokens =
      Counter.builder("fusionc.prompt.tokens")
          .description("tokens of prompts that were taken")
          .register(registry);
  private final Counter generatedTokens =
      Counter.builder("fusionc.generated.tokens")
          .description("tokens that were generated")
          .register(registry);
  private final Counter cancelled =
      Counter.builder("fusionc.requests.cancelled")
          .description("requests whose client went away before the end")
          .register(registry);
  private final Timer firstToken =
      timer("fusionc.time.to.first.token", "from a request's arrival to a choice's first token");
  private final Timer betweenTokens =
      timer("fusionc.inter.token", "from one token of a choice to its next");

  private Timer timer(String name, String description) {
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(
            Duration.ofMillis(1),
            Duration.ofMillis(5),
            Duration.ofMillis(10),
            Duration.ofMillis(25),
            Duration.ofMillis(50),
            Duration.ofMillis(100),
            Duration.ofMillis(250),
            Duration.ofMillis(500),
            Duration.ofSeconds(1),
            Duration.ofMillis(2500),
            Duration.ofSeconds(5),
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            Duration.ofSeconds(60))
        .register(registry);
  }

  void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).register(registry);
  }

  void request(String endpoint, int code) {
    Counter.builder("fusionc.requests")
        .description("requests that were answered")
        .tag("endpoint", endpoint)
        .tag("code", Integer.toString(code))
        .register(registry)
        .increment();
  }

  void accepted(int tokens) {
    promptTokens.increment(tokens);
  }

  void token() {
    generatedTokens.increment();
  }

  void firstToken(long nanos) {
    firstToken.record(nanos, TimeUnit.NANOSECONDS);
  }

  void nextToken(long nanos) {
    betweenTokens.record(nanos, TimeUnit.NANOSECONDS);
  }

  void cancelled() {
    cancelled.increment();
  }

  String text() {
    return registry.scrape();
  }

  void close() {
    registry.close();
  }
}
