package org.fusionc.runtime.text;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.runtime.text.template.Template;
import org.jspecify.annotations.Nullable;

/**
 * How a model wants a conversation written, as the template that came with it says. What it renders
 * has its special tokens spelled out, so it is tokenised without adding any.
 *
 * <p>Safe for use by several threads.
 */
public final class ChatTemplate {
  private final Template template;
  private final Optional<Template> forTools;
  private final Map<String, String> specialTokens;

  /**
   * One turn of a conversation.
   *
   * @param role usually {@code system}, {@code user} or {@code assistant}
   */
  public record Message(String role, String content) {
    public static Message system(String content) {
      return new Message("system", content);
    }

    public static Message user(String content) {
      return new Message("user", content);
    }

    public static Message assistant(String content) {
      return new Message("assistant", content);
    }

    private Map<String, Object> toMap() {
      var map = new LinkedHashMap<String, Object>();
      map.put("role", role);
      map.put("content", content);
      return map;
    }
  }

  private ChatTemplate(
      Template template, Optional<Template> forTools, Map<String, String> specialTokens) {
    this.template = template;
    this.forTools = forTools;
    this.specialTokens = specialTokens;
  }

  /** The template of a model directory; empty if the model is not for chat. */
  public static Optional<ChatTemplate> in(Path modelDirectory) {
    return of(modelDirectory.toString(), TokenizerConfig.read(modelDirectory));
  }

  /**
   * The template among a tokenizer's settings; empty if there is none.
   *
   * @param name what to call its origin in messages
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the template cannot be parsed
   */
  public static Optional<ChatTemplate> of(String name, TokenizerConfig config) {
    String source = config.chatTemplates().get("default");
    if (source == null) {
      return Optional.empty();
    }
    String place = name + " (chat template)";
    Optional<Template> forTools =
        Optional.ofNullable(config.chatTemplates().get("tool_use"))
            .map(text -> Template.parse(place, text));
    return Optional.of(
        new ChatTemplate(Template.parse(place, source), forTools, config.specialTokens()));
  }

  /**
   * Writes a conversation.
   *
   * @param addGenerationPrompt whether to end with the beginning of the assistant's answer
   */
  public String render(List<Message> messages, boolean addGenerationPrompt) {
    return render(
        messages.stream().map(Message::toMap).toList(),
        addGenerationPrompt,
        Map.of(),
        LocalDateTime.now(ZoneId.systemDefault()));
  }

  /**
   * Writes a conversation of messages that may have more than a role and a content.
   *
   * @param messages each as its JSON object: strings, numbers, booleans, null, lists and maps
   * @param more further variables that the template may look at, such as {@code tools}, {@code
   *     documents} or {@code enable_thinking}
   * @param now the time that the template may tell the model
   */
  public String render(
      List<? extends Map<String, ?>> messages,
      boolean addGenerationPrompt,
      Map<String, ?> more,
      LocalDateTime now) {
    var variables = new LinkedHashMap<String, @Nullable Object>(specialTokens);
    // Defined though there are none: templates ask "is not none" without asking "is defined".
    variables.put("tools", null);
    variables.put("documents", null);
    variables.put("messages", messages);
    variables.put("add_generation_prompt", addGenerationPrompt);
    variables.putAll(more);
    boolean tools = more.get("tools") != null;
    return (tools ? forTools.orElse(template) : template).render(variables, now);
  }
}
