package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.serve.ApiKeys;
import org.fusionc.runtime.serve.ApiServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** What is wrong is refused in OpenAI's shape, saying what and where. */
class RefusalsTest {
  private static final String TEXT = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";

  private static Served served;

  @BeforeAll
  static void start(@TempDir Path scratch) {
    served = Served.example(scratch, Served.options(4, 64));
  }

  @AfterAll
  static void stop() {
    served.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"prompt\": \"a\", \"temperature\": 2.5 | temperature | invalid_value",
        "\"prompt\": \"a\", \"temperature\": -1 | temperature | invalid_value",
        "\"prompt\": \"a\", \"temperature\": \"hot\" | temperature | invalid_type",
        "\"prompt\": \"a\", \"top_p\": 1.1 | top_p | invalid_value",
        "\"prompt\": \"a\", \"max_tokens\": 0 | max_tokens | invalid_value",
        "\"prompt\": \"a\", \"max_tokens\": 1.5 | max_tokens | invalid_type",
        "\"prompt\": \"a\", \"max_tokens\": 99999999999 | max_tokens | invalid_value",
        "\"prompt\": \"a\", \"n\": 17 | n | invalid_value",
        "\"prompt\": \"a\", \"n\": 2, \"best_of\": 3 | best_of | unsupported_parameter",
        "\"prompt\": \"a\", \"stream\": \"yes\" | stream | invalid_type",
        "\"prompt\": \"a\", \"stream_options\": {} | stream_options | invalid_value",
        "\"prompt\": \"a\", \"stop\": [\"a\",\"b\",\"c\",\"d\",\"e\"] | stop | invalid_value",
        "\"prompt\": \"a\", \"stop\": \"\" | stop | invalid_value",
        "\"prompt\": \"a\", \"stop\": 7 | stop | invalid_type",
        "\"prompt\": \"a\", \"stop\": \"\\ude00\" | stop | invalid_value",
        "\"prompt\": \"a\", \"seed\": 1e99 | seed | invalid_type",
        "\"prompt\": \"a\", \"logprobs\": 21 | logprobs | invalid_value",
        "\"prompt\": \"a\", \"logit_bias\": {\"x\": 1} | logit_bias | invalid_value",
        "\"prompt\": \"a\", \"logit_bias\": {\"1\": 101} | logit_bias.1 | invalid_value",
        "\"prompt\": \"a\", \"logit_bias\": [] | logit_bias | invalid_type",
        "\"prompt\": \"a\", \"frequency_penalty\": 3 | frequency_penalty | invalid_value",
        "\"prompt\": \"a\", \"echo\": true | echo | unsupported_parameter",
        "\"prompt\": \"a\", \"suffix\": \"b\" | suffix | unsupported_parameter",
        "\"prompt\": \"a\", \"store\": true | store | unsupported_parameter",
        "\"prompt\": \"a\", \"tempratur\": 1 | tempratur | unknown_parameter",
        "\"prompt\": [] | prompt | invalid_value",
        "\"prompt\": \"\" | prompt | invalid_value",
        "\"prompt\": 5 | prompt | invalid_type",
        "\"prompt\": [1, \"a\"] | prompt[1] | invalid_type",
        "\"prompt\": [\"a\", 1] | prompt[1] | invalid_type",
        "\"prompt\": [1024] | prompt[0] | invalid_value",
        "\"prompt\": [-1] | prompt[0] | invalid_value",
        "\"max_tokens\": 3 | prompt | missing_required_parameter",
      })
  void completionsSayWhatIsWrong(String fields, String param, String code) {
    refused(TEXT, served.body(fields), 400, param, code);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"messages\": [] | messages | invalid_value",
        "\"messages\": \"hi\" | messages | invalid_type",
        "\"max_tokens\": 3 | messages | missing_required_parameter",
        "\"messages\": [5] | messages[0] | invalid_type",
        "\"messages\": [{\"role\": \"king\", \"content\": \"a\"}] | messages[0].role |"
            + " invalid_value",
        "\"messages\": [{\"role\": \"user\"}] | messages[0].content |"
            + " missing_required_parameter",
        "\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"mood\": 1}] | messages[0] |"
            + " unknown_parameter",
        "\"messages\": [{\"role\": \"tool\", \"content\": \"a\"}] | messages[0].tool_call_id |"
            + " missing_required_parameter",
        "\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}] |"
            + " messages[0].content[0].type | unsupported_parameter",
      })
  void messagesSayWhatIsWrong(String fields, String param, String code) {
    refused(CHAT, served.body(fields), 400, param, code);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"response_format\": {\"type\": \"json_schema\"} | response_format |"
            + " unsupported_parameter",
        "\"audio\": {} | audio | unsupported_parameter",
        "\"modalities\": [\"text\", \"audio\"] | modalities | unsupported_parameter",
        "\"reasoning_effort\": \"high\" | reasoning_effort | unsupported_parameter",
        "\"functions\": [] | functions | unsupported_parameter",
        "\"top_logprobs\": 2 | top_logprobs | invalid_value",
        "\"logprobs\": 2 | logprobs | invalid_type",
        "\"max_tokens\": 2, \"max_completion_tokens\": 2 | max_tokens | invalid_value",
        "\"tool_choice\": \"auto\" | tool_choice | invalid_value",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}] | tools |"
            + " unsupported_parameter",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}],"
            + " \"tool_choice\": \"required\" | tool_choice | unsupported_parameter",
        "\"tools\": [{\"type\": \"web_search\"}] | tools[0].type | unsupported_parameter",
      })
  void chatsSayWhatIsWrong(String fields, String param, String code) {
    var messages = "\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], ";
    refused(CHAT, served.body(messages + fields), 400, param, code);
  }

  @Test
  void whatMakesNoDifferenceIsTaken() {
    served.chat(
        "\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"max_tokens\": 1, \"user\":"
            + " \"me\", \"metadata\": {}, \"store\": false, \"response_format\": {\"type\":"
            + " \"text\"}, \"modalities\": [\"text\"], \"service_tier\": \"auto\","
            + " \"parallel_tool_calls\": true, \"seed\": null, \"n\": null");
  }

  @Test
  void otherModelsAreNotThere() {
    var body = "{\"model\": \"gpt-9\", \"prompt\": \"a\"}";
    assertThat(refused(TEXT, body, 404, "model", "model_not_found")).contains("shakespeare");
    refused(TEXT, "{\"prompt\": \"a\"}", 400, "model", "missing_required_parameter");
  }

  @Test
  void brokenJsonIsLocated() {
    assertThat(refused(TEXT, "{\"model\": \n \"shake", 400, null, "invalid_json"))
        .contains("line 2");
    refused(TEXT, "", 400, null, "invalid_json");
    refused(TEXT, "{} {}", 400, null, "invalid_json");
    refused(TEXT, "[1]", 400, null, "invalid_type");
    refused(TEXT, "{\"model\": \"a\", \"model\": \"b\"}", 400, null, "invalid_json");
    refused(TEXT, "[".repeat(100_000), 400, null, "invalid_json");
    refused(TEXT, served.body("\"prompt\": \"\\ud800\""), 400, null, "invalid_value");
  }

  @Test
  void tooLongPromptsSayHowLong() {
    var body = served.body("\"prompt\": [" + "5,".repeat(512) + "5]");
    assertThat(refused(TEXT, body, 400, "prompt", "context_length_exceeded"))
        .contains("513")
        .contains("512");
    var chat =
        "\"messages\": [{\"role\": \"user\", \"content\": \"" + "word ".repeat(2000) + "\"}]";
    refused(CHAT, served.body(chat), 400, "messages", "context_length_exceeded");
  }

  @Test
  void tooLargeBodiesAreRefusedAndTheServerGoesOn() {
    var body = served.body("\"prompt\": \"" + "a".repeat(5 << 20) + "\"");
    refused(TEXT, body, 413, null, "request_too_large");
    served.completion("\"prompt\": \"a\", \"max_tokens\": 1");
  }

  @Test
  void wrongPathsMethodsAndTypesAreRefused() {
    assertThat(served.send(served.request("/v1/nothing").GET().build()).statusCode())
        .isEqualTo(404);
    assertThat(served.send(served.post("/", "{}")).statusCode()).isEqualTo(404);
    var get = served.send(served.request(TEXT).GET().build());
    assertThat(get.statusCode()).isEqualTo(405);
    assertThat(get.headers().firstValue("Allow")).hasValue("POST");
    assertThat(served.send(served.post("/v1/models", "{}")).statusCode()).isEqualTo(405);
    var form =
        served
            .request(TEXT)
            .header("Content-Type", "text/plain")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    assertThat(served.send(form).statusCode()).isEqualTo(415);
  }

  @Test
  void theTypeOfABodyMayNameUtf8() {
    var body = served.body("\"prompt\": \"a\", \"max_tokens\": 1");
    assertThat(status(body, "Content-Type", "application/json; charset=UTF-8")).isEqualTo(200);
    assertThat(status(body, "Content-Type", "application/json; charset=latin1")).isEqualTo(415);
  }

  private int status(String body, String... headers) {
    var request = served.request(TEXT).headers(headers);
    return served
        .send(request.POST(HttpRequest.BodyPublishers.ofString(body)).build())
        .statusCode();
  }

  @Test
  void whatCannotBeReadIsAnswered() throws IOException {
    var body = "{}";
    var heads =
        new String[] {
          "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n"
              + body,
          "GET /v1/models/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET /health HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(70_000) + "\r\n\r\n",
          "GET /health HTTP/1.1\r\n\r\n",
          "garbage\r\n\r\n"
        };
    for (var head : heads) {
      try (var socket = new Socket("127.0.0.1", served.server.address().port())) {
        socket.setSoTimeout(30_000);
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        var answer = new String(read(socket), StandardCharsets.ISO_8859_1);
        assertThat(answer).as(head).startsWith("HTTP/1.1 4");
      }
    }
  }

  @Test
  void bodiesThatEndEarlyOrAreMalformedAreNoFailureOfTheServer() throws IOException {
    var log = (Logger) LoggerFactory.getLogger("org.fusionc.runtime.serve");
    var lines = new ListAppender<ILoggingEvent>();
    lines.start();
    log.addAppender(lines);
    try {
      var head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
      for (var rest :
          List.of("Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\r\n")) {
        assertThat(answer(head + rest)).as(rest).isEmpty();
      }
      for (var chunks : List.of("ZZZ\r\n\r\n", "1\r\n{}}}\r\n")) {
        assertThat(answer(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks))
            .as(chunks)
            .startsWith("HTTP/1.1 400")
            .contains("invalid_body");
      }
    } finally {
      log.detachAppender(lines);
    }
    assertThat(lines.list).filteredOn(line -> line.getLevel() == Level.ERROR).isEmpty();
  }

  @Test
  void whoeverWantsOneAnswerSeesItsEnd() throws IOException {
    var head = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: ";
    try (var socket = new Socket("127.0.0.1", served.server.address().port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write((head + "close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      assertThat(new String(read(socket), StandardCharsets.ISO_8859_1)).contains("\"ok\"");
    }
    try (var socket = new Socket("127.0.0.1", served.server.address().port())) {
      socket.setSoTimeout(30_000);
      var two = head + "keep-alive\r\n\r\n" + head + "x, Close\r\n\r\n";
      socket.getOutputStream().write(two.getBytes(StandardCharsets.US_ASCII));
      assertThat(new String(read(socket), StandardCharsets.ISO_8859_1).split("\"ok\"", -1))
          .hasSize(3);
    }
  }

  /** What is said to this, until the end. */
  private static String answer(String request) throws IOException {
    try (var socket = new Socket("127.0.0.1", served.server.address().port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      return new String(read(socket), StandardCharsets.ISO_8859_1);
    }
  }

  @Test
  void anEncodingOfABodyIsNamed() {
    var request =
        served
            .request(TEXT)
            .headers("Content-Type", "application/json", "Content-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    var answer = served.send(request);
    assertThat(answer.statusCode()).isEqualTo(415);
    assertThat(answer.body()).contains("Content-Encoding").contains("gzip");
  }

  @Test
  void whoeverAsksForTheHeadGetsThatOfTheAnswer() {
    for (var path : List.of("/health", "/ready", "/v1/models", "/v1/models/shakespeare")) {
      var get = served.send(served.request(path).GET().build());
      var head = served.send(served.request(path).HEAD().build());
      assertThat(head.statusCode()).as(path).isEqualTo(200);
      assertThat(head.body()).isEmpty();
      for (var name : List.of("Content-Type", "Content-Length")) {
        assertThat(head.headers().firstValue(name)).isEqualTo(get.headers().firstValue(name));
      }
    }
    var nothing = served.send(served.request("/v1/models/nothing").HEAD().build());
    assertThat(nothing.statusCode()).isEqualTo(404);
    assertThat(served.send(served.request(TEXT).HEAD().build()).statusCode()).isEqualTo(405);
  }

  @Test
  void whatIsNoHttpIsRefused() throws IOException {
    var random = new Random(4);
    for (int i = 0; i < 20; i++) {
      try (var socket = new Socket("127.0.0.1", served.server.address().port())) {
        socket.setSoTimeout(30_000);
        var bytes = new byte[200];
        random.nextBytes(bytes);
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().write("\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        var answer = new String(read(socket), StandardCharsets.ISO_8859_1);
        assertThat(answer)
            .satisfiesAnyOf(
                a -> assertThat(a).isEmpty(), a -> assertThat(a).startsWith("HTTP/1.1 4"));
      }
    }
    served.completion("\"prompt\": \"a\", \"max_tokens\": 1");
  }

  /** All that comes; a connection that is reset has said all. */
  private static byte[] read(Socket socket) throws IOException {
    try {
      return socket.getInputStream().readAllBytes();
    } catch (java.net.SocketException reset) {
      return new byte[0];
    }
  }

  @Test
  void keysAreAskedFor(@TempDir Path scratch) throws IOException {
    var keys = Files.writeString(scratch.resolve("keys"), "# mine\nsecret-1\n\nsecret-2\n");
    var options = new ApiServer.Options(new Address("127.0.0.1", 0), 1, 1, ApiKeys.read(keys));
    try (var guarded = ApiServer.start(served.model, options)) {
      var uri = java.net.URI.create("http://" + guarded.address() + "/v1/models");
      for (var key : new String[] {"", "Bearer ", "Bearer secret-3", "secret-1"}) {
        var request = HttpRequest.newBuilder(uri).header("Authorization", key).build();
        var response = served.send(request);
        assertThat(response.statusCode()).as(key).isEqualTo(401);
        assertThat(response.body()).contains("invalid_api_key");
      }
      var request = HttpRequest.newBuilder(uri).header("Authorization", "Bearer secret-2").build();
      assertThat(served.send(request).statusCode()).isEqualTo(200);
      var health = HttpRequest.newBuilder(uri.resolve("/health")).build();
      assertThat(served.send(health).statusCode()).isEqualTo(200);
    }
  }

  private static String refused(String path, String body, int status, String param, String code) {
    var response = served.send(served.post(path, body));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    var error = Served.JSON.readTree(response.body()).get("error");
    assertThat(error.get("type").stringValue()).isEqualTo("invalid_request_error");
    assertThat(error.get("code").stringValue()).as(response.body()).isEqualTo(code);
    assertThat(error.get("param").isNull() ? null : error.get("param").stringValue())
        .as(response.body())
        .isEqualTo(param);
    return error.get("message").stringValue();
  }
}
