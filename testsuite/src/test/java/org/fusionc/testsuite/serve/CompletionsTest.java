package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class CompletionsTest {
  private static final String ROMEO = "\"prompt\": \"ROMEO:\", \"max_tokens\": 20";
  private static final String GREEDY = ROMEO + ", \"temperature\": 0";

  private static Served served;

  @BeforeAll
  static void start(@TempDir Path scratch) {
    served = Served.example(scratch, Served.options(4, 64));
  }

  @AfterAll
  static void stop() {
    served.close();
  }

  @Test
  void anAnswerHasAllThatClientsRead() {
    var answer = served.completion(GREEDY);
    assertThat(answer.get("id").stringValue()).startsWith("cmpl-");
    assertThat(answer.get("object").stringValue()).isEqualTo("text_completion");
    assertThat(answer.get("created").longValue()).isPositive();
    assertThat(answer.get("model").stringValue()).isEqualTo("shakespeare");
    assertThat(answer.get("system_fingerprint").stringValue()).startsWith("fp_");
    assertThat(Served.text(answer)).isNotBlank();
    assertThat(Served.finish(answer)).isEqualTo("length");
    assertThat(answer.get("choices").get(0).get("logprobs").isNull()).isTrue();
    var usage = answer.get("usage");
    assertThat(usage.get("completion_tokens").intValue()).isEqualTo(20);
    assertThat(usage.get("total_tokens").intValue())
        .isEqualTo(20 + usage.get("prompt_tokens").intValue());
  }

  @Test
  void idsAreAsGoodAsText() {
    var ids = served.model.tokenizer().encode("ROMEO:", true);
    var list = java.util.Arrays.toString(ids);
    var text = Served.text(served.completion(GREEDY));
    var rest = ", \"max_tokens\": 20, \"temperature\": 0";
    assertThat(Served.text(served.completion("\"prompt\": " + list + rest))).isEqualTo(text);
    var many = served.completion("\"prompt\": [" + list + ", " + list + "]" + rest);
    assertThat(texts(many)).containsExactly(text, text);
  }

  @Test
  void severalPromptsAreAnsweredInOrder() {
    var rest = ", \"max_tokens\": 12, \"temperature\": 0";
    var one = Served.text(served.completion("\"prompt\": \"ROMEO:\"" + rest));
    var two = Served.text(served.completion("\"prompt\": \"My lord\"" + rest));
    var both = served.completion("\"prompt\": [\"ROMEO:\", \"My lord\"]" + rest);
    assertThat(texts(both)).containsExactly(one, two);
    assertThat(both.get("usage").get("completion_tokens").intValue()).isEqualTo(24);
  }

  @Test
  void aStreamSaysTheSame() {
    for (var fields :
        List.of(
            GREEDY,
            GREEDY + ", \"logprobs\": 2",
            ROMEO + ", \"seed\": 5, \"n\": 3",
            GREEDY + ", \"stop\": [\"lieve\"]",
            ROMEO + ", \"seed\": 9, \"temperature\": 1.5, \"n\": 2, \"logprobs\": 0")) {
      var whole = served.completion(fields);
      var events =
          served.stream(
              "/v1/completions", fields + ", \"stream_options\": {\"include_usage\": true}");
      int choices = whole.get("choices").size();
      var texts = new StringBuilder[choices];
      var finish = new String[choices];
      var tokens = new ArrayList<JsonNode>();
      for (int i = 0; i < choices; i++) {
        texts[i] = new StringBuilder();
      }
      for (var event : events.subList(0, events.size() - 1)) {
        assertThat(event.get("usage").isNull()).isTrue();
        var choice = event.get("choices").get(0);
        int index = choice.get("index").intValue();
        assertThat(finish[index]).as("nothing comes after the end").isNull();
        texts[index].append(choice.get("text").stringValue());
        if (!choice.get("finish_reason").isNull()) {
          finish[index] = choice.get("finish_reason").stringValue();
        }
        if (index == 0 && !choice.get("logprobs").isNull()) {
          choice.get("logprobs").get("token_logprobs").forEach(tokens::add);
        }
      }
      for (int i = 0; i < choices; i++) {
        var choice = whole.get("choices").get(i);
        assertThat(texts[i]).hasToString(choice.get("text").stringValue());
        assertThat(finish[i]).isEqualTo(choice.get("finish_reason").stringValue());
      }
      var logprobs = whole.get("choices").get(0).get("logprobs");
      if (!logprobs.isNull()) {
        var expected = new ArrayList<JsonNode>();
        logprobs.get("token_logprobs").forEach(expected::add);
        assertThat(tokens).isEqualTo(expected);
      }
      assertThat(events.getLast().get("choices").isEmpty()).isTrue();
      assertThat(events.getLast().get("usage")).isEqualTo(whole.get("usage"));
    }
  }

  @Test
  void stopsAreFoundAcrossTokensAndAreNotPartOfTheText() {
    var text = Served.text(served.completion(GREEDY));
    for (int from = 0; from < text.length() - 4; from += 3) {
      var stop = text.substring(from, from + 4);
      var answer =
          served.completion(GREEDY + ", \"stop\": " + Served.JSON.writeValueAsString(stop));
      assertThat(Served.text(answer)).isEqualTo(text.substring(0, text.indexOf(stop)));
      assertThat(Served.finish(answer)).isEqualTo("stop");
    }
    var first = served.completion(GREEDY + ", \"stop\": [\"thee\", \"lie\", \"zzz\"]");
    assertThat(Served.text(first)).isEqualTo(text.substring(0, text.indexOf("lie")));
  }

  @Test
  void scoresOfTextThatWasHeldBackComeOnce() {
    var whole = served.completion(GREEDY + ", \"logprobs\": 0");
    var text = Served.text(whole);
    // All of it but the first character is held back until the text ends.
    var stop = Served.JSON.writeValueAsString(text.substring(1) + "!");
    var held = served.completion(GREEDY + ", \"logprobs\": 0, \"stop\": " + stop);
    assertThat(held.get("choices")).isEqualTo(whole.get("choices"));
  }

  @Test
  void theModelsOwnEndEndsTheText() {
    var answer = served.completion(GREEDY + ", \"logit_bias\": {\"0\": 100}");
    assertThat(Served.text(answer)).isEmpty();
    assertThat(Served.finish(answer)).isEqualTo("stop");
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isZero();
  }

  @Test
  void aFullContextEndsTheText() {
    var ids = IntStream.range(0, 510).mapToObj(i -> "5").toList();
    var answer =
        served.completion(
            "\"prompt\": [%s], \"max_tokens\": 100, \"logit_bias\": {\"0\": -100}"
                .formatted(String.join(",", ids)));
    assertThat(Served.finish(answer)).isEqualTo("length");
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(3);
  }

  @Test
  void theSameSeedGivesTheSameTextAndAnotherSeedAnother() {
    var fields = ROMEO + ", \"temperature\": 1, \"seed\": ";
    var one = Served.text(served.completion(fields + 1));
    assertThat(Served.text(served.completion(fields + 1))).isEqualTo(one);
    assertThat(Served.text(served.completion(fields + 2))).isNotEqualTo(one);
    var three = texts(served.completion(fields + "1, \"n\": 3"));
    assertThat(three).doesNotHaveDuplicates().startsWith(one);
  }

  @Test
  void companyChangesNothing() {
    var fields =
        IntStream.range(0, 8)
            .mapToObj(i -> ROMEO + ", \"logprobs\": 1, \"temperature\": 1.2, \"seed\": " + i)
            .toList();
    var alone = fields.stream().map(f -> served.completion(f).get("choices")).toList();
    var together =
        fields.stream()
            .map(f ->
                CompletableFuture.supplyAsync(
                    () -> served.completion(f).get("choices"),
                    command -> Thread.ofVirtual().start(command)))
            .toList();
    for (int i = 0; i < fields.size(); i++) {
      assertThat(together.get(i).join()).isEqualTo(alone.get(i));
    }
  }

  @Test
  void logProbabilitiesAddUp() {
    var answer = served.completion(GREEDY + ", \"logprobs\": 20");
    var logprobs = answer.get("choices").get(0).get("logprobs");
    var text = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      assertThat(logprobs.get("text_offset").get(i).intValue()).isEqualTo(text.length());
      text.append(logprobs.get("tokens").get(i).stringValue());
      double sum = 0;
      double best = Double.NEGATIVE_INFINITY;
      for (var top : logprobs.get("top_logprobs").get(i)) {
        sum += Math.exp(top.doubleValue());
        best = Math.max(best, top.doubleValue());
      }
      assertThat(sum).isBetween(0.2, 1 + 1e-9);
      assertThat(logprobs.get("token_logprobs").get(i).doubleValue())
          .as("the greedy token is the likeliest")
          .isCloseTo(best, within(1e-12));
    }
    assertThat(text).hasToString(Served.text(answer));
  }

  @Test
  void penaltiesAndBiasCount() {
    var plain = Served.text(served.completion(GREEDY));
    for (var penalty :
        List.of(
            "\"frequency_penalty\": 2",
            "\"presence_penalty\": 2",
            "\"repetition_penalty\": 3",
            "\"logit_bias\": {\"%d\": -100}"
                .formatted(served.model.tokenizer().encode("I", false)[0]))) {
      assertThat(Served.text(served.completion(GREEDY + ", " + penalty)))
          .as(penalty)
          .isNotEqualTo(plain);
    }
    for (var one : List.of("\"top_k\": 1", "\"top_p\": 0", "\"min_p\": 1")) {
      assertThat(Served.text(served.completion(ROMEO + ", \"seed\": 3, " + one)))
          .as(one + " leaves the likeliest only")
          .isEqualTo(plain);
    }
  }

  @Test
  void theModelIsListed() {
    var list = Served.JSON.readTree(get("/v1/models").body());
    assertThat(list.get("object").stringValue()).isEqualTo("list");
    var model = list.get("data").get(0);
    assertThat(model.get("id").stringValue()).isEqualTo("shakespeare");
    assertThat(Served.JSON.readTree(get("/v1/models/shakespeare").body())).isEqualTo(model);
    assertThat(get("/v1/models/other").statusCode()).isEqualTo(404);
  }

  @Test
  void healthAndMetricsTell() {
    assertThat(get("/health").statusCode()).isEqualTo(200);
    assertThat(get("/ready").statusCode()).isEqualTo(200);
    served.completion(GREEDY);
    var metrics = get("/metrics");
    assertThat(metrics.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
    assertThat(metrics.body())
        .contains(
            "fusionc_requests_total{code=\"200\",endpoint=\"/v1/completions\"}",
            "fusionc_generated_tokens_total",
            "fusionc_prompt_tokens_total",
            "fusionc_time_to_first_token_seconds_bucket",
            "fusionc_inter_token_seconds_count",
            "fusionc_sessions_live",
            "fusionc_sessions_waiting",
            "fusionc_kv_pages_used");
  }

  private static java.net.http.HttpResponse<String> get(String path) {
    return served.send(served.request(path).GET().build());
  }

  private static List<String> texts(JsonNode answer) {
    var texts = new ArrayList<String>();
    answer.get("choices").forEach(choice -> texts.add(choice.get("text").stringValue()));
    return texts;
  }
}
