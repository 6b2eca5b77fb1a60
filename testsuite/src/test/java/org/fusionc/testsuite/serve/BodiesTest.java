package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever a body says, the answer is an answer or a refusal, never a failure of the server. */
class BodiesTest {
  private static final int BODIES = 400;

  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "0",
          "-1",
          "1e400",
          "1.5",
          "99999999999999999999",
          "\"\"",
          "\"a\"",
          "\"\\ud800\"",
          "\"\\u0000\"",
          "[]",
          "{}",
          "[[]]",
          "[null]",
          "{\"a\": {}}",
          "[{}]",
          "\"<|endoftext|>\"",
          "[1, 2]",
          "[\"a\", [1]]",
          "{\"type\": \"text\"}");

  private static final List<String> FIELDS =
      List.of(
          "messages",
          "prompt",
          "model",
          "stop",
          "n",
          "seed",
          "logit_bias",
          "logprobs",
          "tools",
          "top_logprobs",
          "tool_choice",
          "stream",
          "stream_options",
          "temperature",
          "top_p",
          "response_format",
          "max_tokens",
          "echo",
          "x",
          "chat_template_kwargs",
          "min_p");

  @Test
  void noBodyMakesTheServerFail(@TempDir Path scratch) {
    var random = new Random(11);
    try (var served = Served.example(scratch, Served.options(4, 64))) {
      var failures = new ArrayList<String>();
      int taken = 0;
      for (int i = 0; i < BODIES; i++) {
        boolean chat = random.nextBoolean();
        var body = body(random, chat);
        var request =
            served
                .request(chat ? "/v1/chat/completions" : "/v1/completions")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        var response = served.send(request);
        if (response.statusCode() >= 500) {
          failures.add(new String(body, StandardCharsets.UTF_8) + " gives " + response.body());
        }
        if (response.statusCode() == 200) {
          taken++;
        } else {
          assertThat(Served.JSON.readTree(response.body()).get("error").get("message").isString())
              .isTrue();
        }
      }
      assertThat(failures).isEmpty();
      assertThat(taken).as("some are still good").isPositive();
      Served.eventually("all is free", () -> served.metric("fusionc_sessions_live") == 0);
    }
  }

  private static byte[] body(Random random, boolean chat) {
    var fields = new StringBuilder("{\"model\": \"shakespeare\"");
    if (random.nextInt(8) > 0) {
      fields.append(
          chat
              ? ", \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]"
              : ", \"prompt\": \"Hi\"");
    }
    fields.append(
        ", \"max_completion_tokens\": 2".replace("completion_", chat ? "completion_" : ""));
    for (int i = random.nextInt(3); i > 0; i--) {
      fields
          .append(", \"")
          .append(FIELDS.get(random.nextInt(FIELDS.size())))
          .append("\": ")
          .append(VALUES.get(random.nextInt(VALUES.size())));
    }
    var bytes = fields.append('}').toString().getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(3) == 0) {
      for (int i = random.nextInt(4); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
    }
    return random.nextInt(10) == 0
        ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length))
        : bytes;
  }
}
