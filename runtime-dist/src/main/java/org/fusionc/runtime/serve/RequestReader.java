package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.fusionc.runtime.sampling.SamplingOptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Reads what the two endpoints have in common, and the bodies of completions. */
final class RequestReader {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final int MOST_CHOICES = 16;
  private static final int MOST_PROMPTS = 64;
  private static final int MOST_STOPS = 4;
  private static final int LONGEST_STOP = 1000;
  private static final int MOST_BIASES = 1024;
  private static final int MOST_ALTERNATIVES = 20;

  private final ServedModel model;
  private final Fields body;

  RequestReader(ServedModel model, Fields body) {
    this.model = model;
    this.body = body;
    // It is known already: the model was found by it.
    var _ = body.requiredString("model");
  }

  /** The body of /v1/completions. */
  Job completion() {
    var prompts = prompts(body.node("prompt").orElseThrow(() -> body.missing("prompt")));
    body.only("echo", JSON.booleanNode(false), "the prompt is not repeated in the answer");
    body.only("suffix", JSON.stringNode(""), "the model writes on from a prompt only");
    int n = n();
    body.integer("best_of", 1, MOST_CHOICES)
        .ifPresent(best -> {
          if (best != n) {
            throw ApiException.unsupported(
                "best_of", "'best_of' is not supported, unless it equals 'n'.");
          }
        });
    int alternatives = (int) body.integer("logprobs", 0, MOST_ALTERNATIVES).orElse(-1);
    return job(Job.Kind.TEXT, prompts, n, alternatives, false, 16);
  }

  /** The body of /v1/chat/completions. */
  Job chat() {
    var conversation = Conversation.read(model, body);
    boolean wanted = body.bool("logprobs");
    var top = body.integer("top_logprobs", 0, MOST_ALTERNATIVES);
    if (top.isPresent() && !wanted) {
      throw ApiException.invalid("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
    }
    int alternatives = wanted ? (int) top.orElse(0) : -1;
    refuseOthers();
    return job(
        Job.Kind.CHAT,
        List.of(checked(conversation.prompt(), "messages")),
        n(),
        alternatives,
        conversation.tools(),
        Integer.MAX_VALUE);
  }

  private void refuseOthers() {
    body.node("response_format")
        .ifPresent(format -> {
          var type = Fields.of(format, "response_format").requiredString("type");
          if (!type.equals("text")) {
            throw ApiException.unsupported(
                "response_format",
                "'response_format' of type %s is not supported; only 'text' is."
                    .formatted(ApiException.quote(type)));
          }
        });
    body.only("modalities", JSON.arrayNode().add("text"), "the model answers with text only");
    body.refuse("audio", "the model answers with text only");
    body.refuse("functions", "use 'tools'");
    body.refuse("function_call", "use 'tool_choice'");
    body.refuse("prediction", "there is no speculation on a given text");
    body.refuse("reasoning_effort", "the model does not know it");
    body.refuse("verbosity", "the model does not know it");
    body.refuse("web_search_options", "the server does not search");
  }

  private Job job(
      Job.Kind kind,
      List<List<Integer>> prompts,
      int n,
      int alternatives,
      boolean parseTools,
      int defaultTokens) {
    boolean stream = body.bool("stream");
    boolean usage = false;
    var options = body.node("stream_options");
    if (options.isPresent()) {
      if (!stream) {
        throw ApiException.invalid("stream_options", "'stream_options' needs 'stream': true.");
      }
      var fields = Fields.of(options.get(), "stream_options");
      usage = fields.bool("include_usage");
      fields.ignore("include_obfuscation");
      fields.finish();
    }
    var sampling = sampling();
    var tokens = body.integer("max_tokens", 1, Integer.MAX_VALUE);
    if (kind == Job.Kind.CHAT) {
      var completion = body.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
      if (completion.isPresent() && tokens.isPresent()) {
        throw ApiException.invalid(
            "max_tokens", "'max_tokens' and 'max_completion_tokens' are the same: give one.");
      }
      tokens = completion.isPresent() ? completion : tokens;
    }
    var stops = stops();
    body.only("store", JSON.booleanNode(false), "the server keeps nothing");
    body.node("service_tier")
        .filter(tier -> !tier.equals(JSON.stringNode("auto")))
        .filter(tier -> !tier.equals(JSON.stringNode("default")))
        .ifPresent(_ -> {
          throw ApiException.unsupported("service_tier", "There is only one 'service_tier'.");
        });
    body.ignore(
        "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");
    body.finish();
    return new Job(
        kind,
        prompts,
        n,
        sampling,
        (int) tokens.orElse(defaultTokens),
        stops,
        alternatives,
        parseTools,
        stream,
        usage);
  }

  private int n() {
    return (int) body.integer("n", 1, MOST_CHOICES).orElse(1);
  }

  private SamplingOptions sampling() {
    var options = model.sampling();
    var temperature = body.number("temperature", 0, 2);
    if (temperature.isPresent()) {
      options = options.withTemperature((float) temperature.getAsDouble());
    }
    var topP = body.number("top_p", 0, 1);
    if (topP.isPresent()) {
      // OpenAI takes 0, which leaves the likeliest token alone.
      options = options.withTopP(Math.max((float) topP.getAsDouble(), Float.MIN_VALUE));
    }
    var topK = body.integer("top_k", -1, Integer.MAX_VALUE);
    if (topK.isPresent()) {
      options = options.withTopK((int) Math.max(0, topK.getAsLong()));
    }
    var minP = body.number("min_p", 0, 1);
    if (minP.isPresent()) {
      options = options.withMinP((float) minP.getAsDouble());
    }
    var repetition = body.number("repetition_penalty", 0.01, 100);
    if (repetition.isPresent()) {
      options = options.withRepetitionPenalty((float) repetition.getAsDouble());
    }
    var frequency = body.number("frequency_penalty", -2, 2);
    if (frequency.isPresent()) {
      options = options.withFrequencyPenalty((float) frequency.getAsDouble());
    }
    var presence = body.number("presence_penalty", -2, 2);
    if (presence.isPresent()) {
      options = options.withPresencePenalty((float) presence.getAsDouble());
    }
    var seed = body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE);
    return options
        .withLogitBias(logitBias())
        .withSeed(seed.orElseGet(() -> ThreadLocalRandom.current().nextLong()));
  }

  private Map<Integer, Float> logitBias() {
    var node = body.node("logit_bias");
    if (node.isEmpty()) {
      return Map.of();
    }
    if (!node.get().isObject()) {
      throw Fields.wrongType("logit_bias", "an object", node.get());
    }
    if (node.get().size() > MOST_BIASES) {
      throw ApiException.invalid(
          "logit_bias", "'logit_bias' has more than " + MOST_BIASES + " tokens.");
    }
    var biases = new LinkedHashMap<Integer, Float>();
    for (var entry : node.get().properties()) {
      int id = -1;
      try {
        id = Integer.parseInt(entry.getKey());
      } catch (NumberFormatException e) {
        // Said below.
      }
      if (id < 0 || id >= model.vocabulary()) {
        throw ApiException.invalid(
            "logit_bias",
            "'logit_bias' has %s, which is no token id from 0 to %d."
                .formatted(ApiException.quote(entry.getKey()), model.vocabulary() - 1));
      }
      biases.put(id, (float) Fields.number(entry.getValue(), "logit_bias." + id, -100, 100));
    }
    return biases;
  }

  private List<String> stops() {
    var node = body.node("stop");
    if (node.isEmpty()) {
      return List.of();
    }
    var list = new ArrayList<JsonNode>();
    if (node.get().isArray()) {
      node.get().forEach(list::add);
    } else {
      list.add(node.get());
    }
    if (list.size() > MOST_STOPS) {
      throw ApiException.invalid("stop", "'stop' has more than " + MOST_STOPS + " strings.");
    }
    var stops = new ArrayList<String>();
    for (var stop : list) {
      if (!stop.isString()) {
        throw Fields.wrongType("stop", "a string or an array of strings", stop);
      }
      if (stop.stringValue().isEmpty() || stop.stringValue().length() > LONGEST_STOP) {
        throw ApiException.invalid(
            "stop", "A string of 'stop' is empty or longer than " + LONGEST_STOP + " characters.");
      }
      if (!UTF_8.newEncoder().canEncode(stop.stringValue())) {
        // It would cut a character in two, and half of one would be sent.
        throw ApiException.invalid("stop", "A string of 'stop' is not valid Unicode.");
      }
      stops.add(stop.stringValue());
    }
    return stops;
  }

  /** A text, texts, ids, or lists of ids. */
  private List<List<Integer>> prompts(JsonNode prompt) {
    if (prompt.isString()) {
      return List.of(text(prompt, "prompt"));
    }
    if (!prompt.isArray()) {
      throw Fields.wrongType("prompt", "a string, or an array of strings or token ids", prompt);
    }
    if (prompt.isEmpty()) {
      throw ApiException.invalid("prompt", "'prompt' is empty.");
    }
    if (prompt.get(0).isNumber()) {
      return List.of(ids(prompt, "prompt"));
    }
    if (prompt.size() > MOST_PROMPTS) {
      throw ApiException.invalid("prompt", "'prompt' has more than " + MOST_PROMPTS + " prompts.");
    }
    var prompts = new ArrayList<List<Integer>>();
    for (int i = 0; i < prompt.size(); i++) {
      var one = prompt.get(i);
      var place = "prompt[" + i + "]";
      prompts.add(one.isArray() ? ids(one, place) : text(one, place));
    }
    return prompts;
  }

  private List<Integer> text(JsonNode text, String place) {
    if (!text.isString()) {
      throw Fields.wrongType(place, "a string or an array of token ids", text);
    }
    var ids = model.tokenizer().encode(text.stringValue(), true);
    return checked(Arrays.stream(ids).boxed().toList(), place);
  }

  private List<Integer> ids(JsonNode array, String place) {
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < array.size(); i++) {
      var at = place + "[" + i + "]";
      ids.add((int) Fields.integer(array.get(i), at, 0, model.vocabulary() - 1));
    }
    return checked(ids, place);
  }

  private List<Integer> checked(List<Integer> prompt, String place) {
    if (prompt.isEmpty()) {
      throw ApiException.invalid(place, "'" + place + "' has no tokens.");
    }
    int context = model.context();
    if (prompt.size() > context) {
      throw ApiException.invalid(
          place,
          "context_length_exceeded",
          "'%s' has %d tokens, but the context has %d.".formatted(place, prompt.size(), context));
    }
    for (int id : prompt) {
      if (id >= model.vocabulary()) {
        throw ApiException.invalid(
            place,
            "'%s' has the token id %d, but the model knows 0 to %d."
                .formatted(place, id, model.vocabulary() - 1));
      }
    }
    return prompt;
  }
}
