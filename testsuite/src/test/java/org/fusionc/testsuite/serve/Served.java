package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.fusionc.ir.DType;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.serve.ApiKeys;
import org.fusionc.runtime.serve.ApiServer;
import org.fusionc.runtime.serve.ServedModel;
import org.fusionc.testsuite.Repository;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server with a small model, and a client for it. */
final class Served implements AutoCloseable {
  static final JsonMapper JSON = new JsonMapper();
  private static final Duration LONGEST = Duration.ofSeconds(60);

  /** A chat template that any model can be given. */
  private static final String TEMPLATE =
      """
      {%- for message in messages -%}
      {{ message.role }}: {{ message.content }}
      {% endfor -%}
      assistant:\
      """;

  final ServedModel model;
  final ApiServer server;
  private final ModelSource source;
  private final Engine engine;
  private final boolean owner;
  final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private Served(
      ModelSource source, Engine engine, String name, ApiServer.Options options, boolean owner) {
    this.source = source;
    this.engine = engine;
    this.owner = owner;
    model = ServedModel.of(name, source, engine);
    server = ApiServer.start(model, options);
  }

  /** The model in this directory, in this process. */
  private static Served of(Path directory, String name, ApiServer.Options options) {
    var source = ModelSource.open(directory, DType.Scalar.F32);
    var backend = Compiler.backend("cpu");
    var compiled =
        Compiler.compile(
            source.module(), source.phase(), Compiler.Options.whole(backend, Phase.SCHEDULED));
    int pages = Engine.pages(source.context(), options.sessions());
    var engine =
        Engine.start(
            source, compiled, backend, new Engine.Options(2, source.context(), pages, false));
    return new Served(source, engine, name, options, true);
  }

  /** A model that runs elsewhere; it is left to whoever opened it. */
  static Served over(ModelSource source, Engine engine, String name, ApiServer.Options options) {
    return new Served(source, engine, name, options, false);
  }

  static ApiServer.Options options(int sessions, int queue) {
    return new ApiServer.Options(new Address("127.0.0.1", 0), sessions, queue, ApiKeys.none());
  }

  /** The example model, called {@code shakespeare}, with a chat template beside it. */
  static Served example(Path scratch, ApiServer.Options options) {
    return example(scratch, options, 512);
  }

  /** With another context than the model was trained for. */
  static Served example(Path scratch, ApiServer.Options options, int context) {
    try {
      var example = Repository.root().resolve("examples/shakespeare");
      for (var file : List.of("generation_config.json", "model.safetensors", "tokenizer.json")) {
        Files.copy(example.resolve(file), scratch.resolve(file));
      }
      Files.writeString(
          scratch.resolve("config.json"),
          Files.readString(example.resolve("config.json"))
              .replace(
                  "\"max_position_embeddings\": 512", "\"max_position_embeddings\": " + context));
      Files.writeString(
          scratch.resolve("tokenizer_config.json"),
          JSON.writeValueAsString(java.util.Map.of("chat_template", TEMPLATE)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(scratch, "shakespeare", options);
  }

  static Served scripted(Path scratch) {
    return of(ScriptedModel.write(scratch), "scripted", options(2, 4));
  }

  URI uri(String path) {
    return URI.create("http://" + server.address() + path);
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path)).timeout(LONGEST);
  }

  HttpRequest post(String path, String body) {
    return request(path)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks for a text, which must come. */
  JsonNode completion(String fields) {
    return ok("/v1/completions", body(fields));
  }

  JsonNode chat(String fields) {
    return ok("/v1/chat/completions", body(fields));
  }

  String body(String fields) {
    return "{\"model\": \"" + model.name() + "\", " + fields + "}";
  }

  JsonNode ok(String path, String body) {
    var response = send(post(path, body));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JSON.readTree(response.body());
  }

  static String text(JsonNode answer) {
    var choice = answer.get("choices").get(0);
    return choice.has("text")
        ? choice.get("text").stringValue()
        : choice.get("message").get("content").stringValue();
  }

  static String finish(JsonNode answer) {
    return answer.get("choices").get(0).get("finish_reason").stringValue();
  }

  /** The events of a stream, which must end with [DONE]. */
  List<JsonNode> stream(String path, String fields) {
    var response = send(post(path, body(fields + ", \"stream\": true")));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/event-stream");
    var events = new ArrayList<JsonNode>();
    var lines = response.body().split("\n\n");
    assertThat(lines[lines.length - 1]).isEqualTo("data: [DONE]");
    for (int i = 0; i < lines.length - 1; i++) {
      assertThat(lines[i]).startsWith("data: {");
      events.add(JSON.readTree(lines[i].substring(6)));
    }
    return events;
  }

  /** What a gauge or counter says. */
  double metric(String name) {
    return server
        .metrics()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no metric " + name + " in " + server.metrics()));
  }

  /** Waits until something is so, for as long as it takes within reason. */
  static void eventually(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + LONGEST.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting for: " + what).isLessThan(end);
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
    server.close();
    model.close();
    if (owner) {
      engine.close();
      source.close();
    }
  }
}
