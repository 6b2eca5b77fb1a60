package org.fusionc.runtime.serve;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.text.ChatTemplate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The messages and tools of a chat request, written as the model's chat template wants them.
 *
 * @param prompt token ids
 * @param tools whether the model was told of tools
 */
record Conversation(List<Integer> prompt, boolean tools) {
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  static Conversation read(ServedModel model, Fields body) {
    var template =
        model
            .chatTemplate()
            .orElseThrow(() ->
                ApiException.invalid(
                    "model",
                    "unsupported_model",
                    "The model '%s' has no chat template: it is not made for chat. Use"
                            .formatted(model.name())
                        + " /v1/completions."));
    var messages = messages(body.node("messages").orElseThrow(() -> body.missing("messages")));
    var tools = tools(body);
    var more = new LinkedHashMap<String, @Nullable Object>();
    body.node("chat_template_kwargs")
        .ifPresent(extra -> {
          var fields = Fields.of(extra, "chat_template_kwargs");
          for (var name : Set.of("messages", "tools", "add_generation_prompt")) {
            fields.refuse(name, "it is made of the request's own fields");
          }
          extra.properties().forEach(entry -> more.put(entry.getKey(), plain(entry.getValue())));
        });
    var now = LocalDateTime.now(ZoneId.systemDefault());
    var text =
        tools.isEmpty()
            ? template.render(messages, true, more, now)
            : withTools(template, messages, more, tools, now);
    var ids = model.tokenizer().encode(text, false);
    return new Conversation(Arrays.stream(ids).boxed().toList(), !tools.isEmpty());
  }

  private static String withTools(
      ChatTemplate template,
      List<Map<String, @Nullable Object>> messages,
      Map<String, @Nullable Object> more,
      List<@Nullable Object> tools,
      LocalDateTime now) {
    var variables = new LinkedHashMap<>(more);
    variables.put("tools", tools);
    var text = template.render(messages, true, variables, now);
    if (text.equals(withoutTools(template, messages, more, now))) {
      throw ApiException.unsupported(
          "tools", "The model's chat template does not mention tools: it was not made for them.");
    }
    return text;
  }

  /** Empty if the template refuses such a conversation where there are no tools. */
  private static String withoutTools(
      ChatTemplate template,
      List<Map<String, @Nullable Object>> messages,
      Map<String, @Nullable Object> more,
      LocalDateTime now) {
    try {
      return template.render(messages, true, more, now);
    } catch (DiagnosticException refused) {
      return "";
    }
  }

  private static List<Map<String, @Nullable Object>> messages(JsonNode node) {
    if (!node.isArray()) {
      throw Fields.wrongType("messages", "an array", node);
    }
    if (node.isEmpty()) {
      throw ApiException.invalid("messages", "'messages' is empty.");
    }
    var messages = new ArrayList<Map<String, @Nullable Object>>();
    for (int i = 0; i < node.size(); i++) {
      messages.add(message(Fields.of(node.get(i), "messages[" + i + "]")));
    }
    return messages;
  }

  private static Map<String, @Nullable Object> message(Fields fields) {
    var role = fields.requiredString("role");
    if (!ROLES.contains(role)) {
      throw ApiException.invalid(
          fields.place("role"),
          "'%s' is %s, but must be one of system, developer, user, assistant and tool."
              .formatted(fields.place("role"), ApiException.quote(role)));
    }
    var message = new LinkedHashMap<String, @Nullable Object>();
    // What OpenAI renamed is what templates know under the old name.
    message.put("role", role.equals("developer") ? "system" : role);
    var content = fields.node("content");
    var calls = fields.node("tool_calls");
    if (content.isPresent()) {
      message.put("content", content(content.get(), fields.place("content")));
    } else if (role.equals("assistant") && calls.isPresent()) {
      message.put("content", "");
    } else {
      throw fields.missing("content");
    }
    fields.string("name").ifPresent(name -> message.put("name", name));
    if (role.equals("assistant")) {
      calls.ifPresent(list -> message.put("tool_calls", calls(list, fields.place("tool_calls"))));
      fields.refuse("audio", "the model reads text only");
      fields.refuse("function_call", "use 'tool_calls'");
      fields.refuse("refusal", "the model does not tell refusals from other text");
      fields.ignore("annotations");
    } else if (calls.isPresent()) {
      throw ApiException.invalid(
          fields.place("tool_calls"), "Only messages of the role 'assistant' have 'tool_calls'.");
    }
    if (role.equals("tool")) {
      message.put("tool_call_id", fields.requiredString("tool_call_id"));
    }
    fields.finish();
    return message;
  }

  private static String content(JsonNode content, String place) {
    if (content.isString()) {
      return content.stringValue();
    }
    if (!content.isArray()) {
      throw Fields.wrongType(place, "a string or an array of parts", content);
    }
    var text = new StringBuilder();
    for (int i = 0; i < content.size(); i++) {
      var part = Fields.of(content.get(i), place + "[" + i + "]");
      var type = part.requiredString("type");
      if (!type.equals("text")) {
        throw ApiException.unsupported(
            part.place("type"),
            "Parts of type %s are not supported: the model reads text only."
                .formatted(ApiException.quote(type)));
      }
      text.append(part.requiredString("text"));
      part.finish();
    }
    return text.toString();
  }

  private static List<Object> calls(JsonNode list, String place) {
    if (!list.isArray()) {
      throw Fields.wrongType(place, "an array", list);
    }
    var calls = new ArrayList<Object>();
    for (int i = 0; i < list.size(); i++) {
      var call = Fields.of(list.get(i), place + "[" + i + "]");
      call.only("type", JsonNodeFactory.instance.stringNode("function"), "only functions are");
      var id = call.requiredString("id");
      // Clients that put a stream's pieces together give it back.
      call.ignore("index");
      var node = call.node("function").orElseThrow(() -> call.missing("function"));
      call.finish();
      var function = Fields.of(node, call.place("function"));
      var inner = new LinkedHashMap<String, @Nullable Object>();
      inner.put("name", function.requiredString("name"));
      inner.put("arguments", arguments(function));
      function.finish();
      calls.add(Map.of("id", id, "type", "function", "function", inner));
    }
    return calls;
  }

  /** Templates want the arguments as the object that the API's string spells. */
  private static @Nullable Object arguments(Fields function) {
    var text = function.requiredString("arguments");
    try {
      var parsed = Json.read(text);
      if (parsed.isObject()) {
        return plain(parsed);
      }
    } catch (JacksonException e) {
      // Said below.
    }
    throw ApiException.invalid(
        function.place("arguments"),
        "'%s' is not the text of a JSON object.".formatted(function.place("arguments")));
  }

  /** The tools that the model is told of; none if it shall use none. */
  private static List<@Nullable Object> tools(Fields body) {
    body.only(
        "parallel_tool_calls",
        JsonNodeFactory.instance.booleanNode(true),
        "how many tools are called cannot be enforced");
    var choice = body.node("tool_choice");
    var node = body.node("tools");
    if (choice.isPresent() && node.isEmpty()) {
      throw ApiException.invalid("tool_choice", "'tool_choice' needs 'tools'.");
    }
    if (choice.isPresent()) {
      var wanted = choice.get().isString() ? choice.get().stringValue() : "";
      if (!wanted.equals("auto") && !wanted.equals("none")) {
        throw ApiException.unsupported(
            "tool_choice",
            "'tool_choice' must be 'auto' or 'none': a call of a tool cannot be enforced.");
      }
    }
    if (node.isEmpty()) {
      return List.of();
    }
    if (!node.get().isArray()) {
      throw Fields.wrongType("tools", "an array", node.get());
    }
    var tools = new ArrayList<@Nullable Object>();
    for (int i = 0; i < node.get().size(); i++) {
      var tool = Fields.of(node.get().get(i), "tools[" + i + "]");
      var type = tool.requiredString("type");
      if (!type.equals("function")) {
        throw ApiException.unsupported(
            tool.place("type"),
            "Tools of type %s are not supported; only functions are."
                .formatted(ApiException.quote(type)));
      }
      var function = tool.node("function").orElseThrow(() -> tool.missing("function"));
      var fields = Fields.of(function, tool.place("function"));
      fields.requiredString("name");
      fields.string("description");
      fields.node("parameters").ifPresent(p -> Fields.of(p, fields.place("parameters")));
      fields.only(
          "strict", JsonNodeFactory.instance.booleanNode(false), "the form cannot be enforced");
      fields.finish();
      tool.finish();
      tools.add(plain(node.get().get(i)));
    }
    return choice.filter(c -> c.stringValue().equals("none")).isPresent() ? List.of() : tools;
  }

  /** JSON as strings, numbers, booleans, null, lists and maps. */
  private static @Nullable Object plain(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> {
        var map = new LinkedHashMap<String, @Nullable Object>();
        node.properties().forEach(entry -> map.put(entry.getKey(), plain(entry.getValue())));
        yield map;
      }
      case ARRAY -> {
        var list = new ArrayList<@Nullable Object>();
        node.forEach(element -> list.add(plain(element)));
        yield list;
      }
      case STRING -> node.stringValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
          node.canConvertToLong() && node.isIntegralNumber()
              ? (Object) node.longValue()
              : (Object) node.asDouble(0);
      default -> null;
    };
  }
}
