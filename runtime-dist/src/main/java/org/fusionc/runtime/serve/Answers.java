package org.fusionc.runtime.serve;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.fusionc.runtime.sampling.LogProbabilities.Candidate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes the answers to one request: one whole, or chunk by chunk. */
final class Answers {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** A choice as it stands, for an answer in one piece. */
  static final class Collected {
    final StringBuilder text = new StringBuilder();
    final List<ToolCalls.Call> calls = new ArrayList<>();
    final List<ChoiceText.Scored> scored = new ArrayList<>();

    void add(ChoiceText.Delta delta) {
      text.append(delta.text());
      calls.addAll(delta.calls());
      scored.addAll(delta.scored());
    }
  }

  private final ServedModel model;
  private final Job job;
  private final TokenTexts texts;
  private final String id = UUID.randomUUID().toString().replace("-", "");
  private final long created = Instant.now().getEpochSecond();

  /** Per choice: how much of its text has log-probabilities, and how many calls went out. */
  private final int[] offsets;

  private final int[] calls;

  Answers(ServedModel model, Job job, TokenTexts texts) {
    this.model = model;
    this.job = job;
    this.texts = texts;
    this.offsets = new int[job.choices()];
    this.calls = new int[job.choices()];
  }

  private ObjectNode envelope(String object) {
    var answer = JSON.objectNode();
    answer.put("id", job.kind().idPrefix + id);
    answer.put("object", object);
    answer.put("created", created);
    answer.put("model", model.name());
    answer.put("system_fingerprint", fingerprint());
    return answer;
  }

  /** Equal as long as the same model is served in the same way. */
  private String fingerprint() {
    int hash = Arrays.hashCode(new Object[] {model.name(), model.vocabulary(), model.context()});
    return "fp_%08x".formatted(hash);
  }

  /** A whole answer. */
  ObjectNode whole(List<Collected> collected, List<ChoiceText> ended) {
    var answer = envelope(job.kind().object);
    var choices = answer.putArray("choices");
    for (int i = 0; i < collected.size(); i++) {
      var one = collected.get(i);
      var choice = choices.addObject();
      choice.put("index", i);
      if (job.kind() == Job.Kind.CHAT) {
        var message = choice.putObject("message");
        message.put("role", "assistant");
        if (one.text.isEmpty() && !one.calls.isEmpty()) {
          message.putNull("content");
        } else {
          message.put("content", one.text.toString());
        }
        message.putNull("refusal");
        if (!one.calls.isEmpty()) {
          calls(message.putArray("tool_calls"), i, one.calls, false);
        }
      } else {
        choice.put("text", one.text.toString());
      }
      scores(choice, i, one.scored);
      choice.put("finish_reason", ended.get(i).finish());
    }
    answer.set("usage", usage(ended));
    return answer;
  }

  /** The first chunk of a choice of a chat. */
  ObjectNode opening(int index) {
    var answer = chunk();
    var choice = answer.putArray("choices").addObject();
    choice.put("index", index);
    var delta = choice.putObject("delta");
    delta.put("role", "assistant");
    delta.put("content", "");
    choice.putNull("logprobs");
    choice.putNull("finish_reason");
    return answer;
  }

  /** A chunk with what became certain of a choice, or with how it ended. */
  ObjectNode chunk(int index, ChoiceText.Delta delta, @Nullable String finish) {
    var answer = chunk();
    var choice = answer.putArray("choices").addObject();
    choice.put("index", index);
    if (job.kind() == Job.Kind.CHAT) {
      var inner = choice.putObject("delta");
      if (!delta.text().isEmpty()) {
        inner.put("content", delta.text());
      }
      if (!delta.calls().isEmpty()) {
        calls(inner.putArray("tool_calls"), index, delta.calls(), true);
      }
    } else {
      choice.put("text", delta.text());
    }
    scores(choice, index, delta.scored());
    choice.put("finish_reason", finish);
    return answer;
  }

  /** The chunk after the last. */
  ObjectNode usageChunk(List<ChoiceText> ended) {
    var answer = envelope(job.kind().chunkObject);
    answer.putArray("choices");
    answer.set("usage", usage(ended));
    return answer;
  }

  private ObjectNode chunk() {
    var answer = envelope(job.kind().chunkObject);
    if (job.includeUsage()) {
      answer.putNull("usage");
    }
    return answer;
  }

  private ObjectNode usage(List<ChoiceText> ended) {
    int prompt = job.prompts().stream().mapToInt(List::size).sum();
    int generated = ended.stream().mapToInt(ChoiceText::tokens).sum();
    var usage = JSON.objectNode();
    usage.put("prompt_tokens", prompt);
    usage.put("completion_tokens", generated);
    usage.put("total_tokens", prompt + generated);
    return usage;
  }

  private void calls(ArrayNode array, int index, List<ToolCalls.Call> found, boolean numbered) {
    for (var call : found) {
      int number = calls[index]++;
      var node = array.addObject();
      if (numbered) {
        node.put("index", number);
      }
      node.put("id", "call_%s_%d_%d".formatted(id.substring(0, 16), index, number));
      node.put("type", "function");
      var function = node.putObject("function");
      function.put("name", call.name());
      function.put("arguments", call.arguments());
    }
  }

  private void scores(ObjectNode choice, int index, List<ChoiceText.Scored> scored) {
    if (job.alternatives() < 0 || scored.isEmpty()) {
      choice.putNull("logprobs");
    } else if (job.kind() == Job.Kind.CHAT) {
      var content = choice.putObject("logprobs").putArray("content");
      for (var one : scored) {
        var node = content.addObject();
        token(node, new Candidate(one.id(), one.scores().logProbability()));
        var top = node.putArray("top_logprobs");
        one.scores().top().forEach(candidate -> token(top.addObject(), candidate));
      }
      choice.withObject("logprobs").putNull("refusal");
    } else {
      textScores(choice.putObject("logprobs"), index, scored);
    }
  }

  private void token(ObjectNode node, Candidate candidate) {
    var shown = texts.of(candidate.id());
    node.put("token", shown.text());
    node.put("logprob", candidate.logProbability());
    var bytes = node.putArray("bytes");
    for (byte value : shown.bytes()) {
      bytes.add(value & 0xFF);
    }
  }

  private void textScores(ObjectNode node, int index, List<ChoiceText.Scored> scored) {
    var tokens = node.putArray("tokens");
    var own = node.putArray("token_logprobs");
    var tops = node.putArray("top_logprobs");
    var at = node.putArray("text_offset");
    for (var one : scored) {
      var text = texts.of(one.id()).text();
      tokens.add(text);
      own.add(one.scores().logProbability());
      var top = tops.addObject();
      for (var candidate : one.scores().top()) {
        // Of several tokens with the same text the likeliest is shown.
        var key = texts.of(candidate.id()).text();
        if (!top.has(key)) {
          top.put(key, candidate.logProbability());
        }
      }
      if (!top.has(text)) {
        top.put(text, one.scores().logProbability());
      }
      at.add(offsets[index]);
      offsets[index] += text.length();
    }
  }
}
