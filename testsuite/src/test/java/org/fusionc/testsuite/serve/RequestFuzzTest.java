package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bodies of requests: the first byte says whether it is for a chat, the others are sent as they
 * are. Each is answered, or refused as the reader of the answer is told to expect: an error of
 * OpenAI's shape, which is the client's.
 */
class RequestFuzzTest {
  @TempDir private static Path scratch;
  private static Served served;

  @BeforeAll
  static void start() {
    served = Served.example(scratch, Served.options(4, 64), 16);
  }

  @AfterAll
  static void stop() {
    served.close();
  }

  static Stream<byte[]> seeds() {
    var all =
        "\"max_tokens\": 2, \"temperature\": 0.5, \"top_p\": 0.9, \"top_k\": 3, \"min_p\": 0.1,"
            + " \"n\": 2, \"stop\": [\"a\", \"b\"], \"seed\": 7, \"logprobs\": %s,"
            + " \"frequency_penalty\": 1, \"presence_penalty\": -1, \"repetition_penalty\": 1.1,"
            + " \"logit_bias\": {\"5\": 3}, \"stream\": %s, \"user\": \"me\"}";
    var text = " {\"model\": \"shakespeare\", \"prompt\": \"Hi\", ";
    var chat =
        "c{\"model\": \"shakespeare\", \"messages\": [{\"role\": \"user\", \"content\":"
            + " [{\"type\": \"text\", \"text\": \"Hi\"}]}], ";
    return Stream.of(
            text + all.formatted("2", "false"),
            text + all.formatted("null", "true"),
            text.replace("\"Hi\"", "[[1, 2], [3]]") + "\"max_tokens\": 1}",
            chat + all.formatted("true", "false"),
            chat + "\"tools\": [], \"max_completion_tokens\": 1, \"stream\": true}",
            " " + "[".repeat(5000),
            " {\"model\": " + "{\"a\":".repeat(2000),
            " {\"model\": \"shakespeare\", \"prompt\": \"\\ud800\", \"max_tokens\": 1e99}",
            " ")
        .map(body -> body.getBytes(StandardCharsets.UTF_8));
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void bodies(byte[] input) {
    boolean chat = input.length > 0 && input[0] == 'c';
    var body = input.length == 0 ? input : Arrays.copyOfRange(input, 1, input.length);
    var request =
        served
            .request(chat ? "/v1/chat/completions" : "/v1/completions")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    var response = served.send(request.build());
    assertThat(response.statusCode()).as(response.body()).isIn(200, 400, 404, 413, 429);
    if (response.statusCode() != 200) {
      var error = Served.JSON.readTree(response.body()).get("error");
      assertThat(error.get("message").isString()).as(response.body()).isTrue();
    }
  }
}
