package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Chats with a model that says hello, or calls a tool if it has one. */
class ChatTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String HI = "\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]";
  private static final String TOOLS =
      """
      , "temperature": 0, "tools": [{"type": "function", "function": {"name": "get_weather",
      "description": "Tells the weather.", "parameters": {"type": "object", "properties":
      {"city": {"type": "string"}}, "required": ["city"]}}}]\
      """;

  private static Served served;

  @BeforeAll
  static void start(@TempDir Path scratch) {
    served = Served.scripted(scratch);
  }

  @AfterAll
  static void stop() {
    served.close();
  }

  @Test
  void anAnswerHasAllThatClientsRead() {
    var answer = served.chat(HI + ", \"temperature\": 0");
    assertThat(answer.get("id").stringValue()).startsWith("chatcmpl-");
    assertThat(answer.get("object").stringValue()).isEqualTo("chat.completion");
    var message = answer.get("choices").get(0).get("message");
    assertThat(message.get("role").stringValue()).isEqualTo("assistant");
    assertThat(message.get("content").stringValue()).isEqualTo("Hello, world!");
    assertThat(message.has("tool_calls")).isFalse();
    assertThat(Served.finish(answer)).isEqualTo("stop");
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(5);
  }

  @Test
  void aStreamBeginsWithTheRoleAndEndsWithTheReason() {
    var events =
        served.stream(CHAT, HI + ", \"stream_options\": {\"include_usage\": true}, \"n\": 2");
    for (int index = 0; index < 2; index++) {
      var deltas = new ArrayList<JsonNode>();
      for (var event : events.subList(0, events.size() - 1)) {
        assertThat(event.get("object").stringValue()).isEqualTo("chat.completion.chunk");
        assertThat(event.get("id")).isEqualTo(events.getFirst().get("id"));
        var choice = event.get("choices").get(0);
        if (choice.get("index").intValue() == index) {
          deltas.add(choice);
        }
      }
      assertThat(deltas.getFirst().get("delta").get("role").stringValue()).isEqualTo("assistant");
      assertThat(joined(deltas)).isEqualTo("Hello, world!");
      assertThat(deltas.getLast().get("delta").isEmpty()).isTrue();
      assertThat(deltas.getLast().get("finish_reason").stringValue()).isEqualTo("stop");
    }
    assertThat(events.getLast().get("usage").get("completion_tokens").intValue()).isEqualTo(10);
  }

  @Test
  void logProbabilitiesHaveBytesAndAlternatives() {
    var answer = served.chat(HI + ", \"temperature\": 0, \"logprobs\": true, \"top_logprobs\": 3");
    var content = answer.get("choices").get(0).get("logprobs").get("content");
    assertThat(content.size()).isEqualTo(5);
    var world = content.get(2);
    assertThat(world.get("token").stringValue()).isEqualTo(" wor");
    assertThat(world.get("bytes")).isEqualTo(Served.JSON.readTree("[32, 119, 111, 114]"));
    assertThat(world.get("logprob").doubleValue()).isBetween(-0.01, 0.0);
    assertThat(world.get("top_logprobs").size()).isEqualTo(3);
    assertThat(world.get("top_logprobs").get(0).get("token").stringValue()).isEqualTo(" wor");
    var streamed = new ArrayList<JsonNode>();
    for (var event : served.stream(CHAT, HI + ", \"logprobs\": true, \"top_logprobs\": 3")) {
      var logprobs = event.get("choices").get(0).get("logprobs");
      if (!logprobs.isNull()) {
        logprobs.get("content").forEach(streamed::add);
      }
    }
    var expected = new ArrayList<JsonNode>();
    content.forEach(expected::add);
    assertThat(streamed).isEqualTo(expected);
  }

  @Test
  void callsOfToolsAreTakenOutOfTheText() {
    var answer = served.chat(HI + TOOLS);
    var message = answer.get("choices").get(0).get("message");
    assertThat(Served.finish(answer)).isEqualTo("tool_calls");
    assertThat(message.get("content").stringValue()).isEqualTo("Let me see.\n");
    var call = message.get("tool_calls").get(0);
    assertThat(call.get("id").stringValue()).startsWith("call_");
    assertThat(call.get("type").stringValue()).isEqualTo("function");
    assertThat(call.get("function").get("name").stringValue()).isEqualTo("get_weather");
    assertThat(Served.JSON.readTree(call.get("function").get("arguments").stringValue()))
        .isEqualTo(Served.JSON.readTree("{\"city\": \"Paris\"}"));
  }

  @Test
  void callsOfToolsAreStreamed() {
    var deltas = new ArrayList<JsonNode>();
    for (var event : served.stream(CHAT, HI + TOOLS)) {
      deltas.add(event.get("choices").get(0));
    }
    assertThat(joined(deltas)).isEqualTo("Let me see.\n");
    var calls = deltas.stream().filter(d -> d.get("delta").has("tool_calls")).toList();
    assertThat(calls).hasSize(1);
    var call = calls.getFirst().get("delta").get("tool_calls").get(0);
    assertThat(call.get("index").intValue()).isZero();
    assertThat(call.get("function").get("name").stringValue()).isEqualTo("get_weather");
    assertThat(deltas.getLast().get("finish_reason").stringValue()).isEqualTo("tool_calls");
  }

  @Test
  void aTemplateMayRefuseWhatItTakesWithTools() {
    var only = "\"messages\": [{\"role\": \"user\", \"content\": \"tools only\"}]";
    assertThat(Served.finish(served.chat(only + TOOLS))).isEqualTo("tool_calls");
    var refused = served.send(served.post(CHAT, served.body(only)));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("there are no tools");
  }

  @Test
  void toolsThatShallNotBeUsedAreNotToldOf() {
    var answer = served.chat(HI + TOOLS + ", \"tool_choice\": \"none\"");
    assertThat(Served.text(answer)).isEqualTo("Hello, world!");
    assertThat(Served.finish(served.chat(HI + TOOLS + ", \"tool_choice\": \"auto\"")))
        .isEqualTo("tool_calls");
  }

  @Test
  void conversationsWithAllRolesAreTaken() {
    var answer =
        served.chat(
            """
            "temperature": 0, "messages": [
              {"role": "developer", "content": "Be kind."},
              {"role": "system", "content": [{"type": "text", "text": "Be "},
                                             {"type": "text", "text": "brief."}]},
              {"role": "user", "content": "Weather?", "name": "Ann"},
              {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                {"id": "call_1", "type": "function",
                 "function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}}]},
              {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]\
            """);
    assertThat(Served.text(answer)).isEqualTo("Hello, world!");
  }

  @Test
  void theNewNameOfTheLimitCounts() {
    var answer = served.chat(HI + ", \"temperature\": 0, \"max_completion_tokens\": 3");
    assertThat(Served.text(answer)).isEqualTo("Hello, wor");
    assertThat(Served.finish(answer)).isEqualTo("length");
  }

  private static String joined(List<JsonNode> choices) {
    var text = new StringBuilder();
    for (var choice : choices) {
      var content = choice.get("delta").get("content");
      text.append(content == null ? "" : content.stringValue());
    }
    return text.toString();
  }
}
