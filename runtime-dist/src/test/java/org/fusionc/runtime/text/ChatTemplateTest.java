package org.fusionc.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.SharedFiles;
import org.fusionc.runtime.text.ChatTemplate.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final List<Message> CHAT =
      List.of(Message.system("Be brief."), Message.user("Hi"), Message.assistant("Hello"));

  @TempDir Path folder;

  @Test
  void publishedTemplatesOfTheSharedTokenizers() {
    assertThat(template("tokenizers/qwen2").render(CHAT, true))
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                + "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>assistant\n"
                + "template ends here");
    assertThat(template("tokenizers/phi-3-mini").render(CHAT, false))
        .isEqualTo(
            "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n"
                + "<|endoftext|>");
  }

  /** Rendered text goes through the tokenizer with its special tokens as single ids. */
  @Test
  void renderedTextHasSpecialTokens() {
    String text = template("tokenizers/qwen2").render(List.of(Message.user("Hi")), true);
    try (var tokenizer = Tokenizer.open(SharedFiles.find("tokenizers/qwen2"))) {
      int[] ids = tokenizer.encode(text, false);
      int start = tokenizer.id("<|im_start|>").orElseThrow();
      assertThat(ids).startsWith(start);
      assertThat(IntStream.of(ids).filter(id -> id == start).count()).isEqualTo(2);
    }
  }

  private static ChatTemplate template(String shared) {
    return ChatTemplate.in(SharedFiles.find(shared)).orElseThrow();
  }

  @Test
  void withoutATemplateThereIsNone() {
    assertThat(ChatTemplate.in(folder)).isEmpty();
    assertThat(ChatTemplate.in(SharedFiles.find("models/stories260K"))).isEmpty();
  }

  @Test
  void theFileGoesBeforeTheSetting() throws Exception {
    write(
        "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"</s>\", \"chat_template\":"
            + " \"old\"}");
    assertThat(render()).isEqualTo("old");
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ pad_token }}\n");
    assertThat(render()).isEqualTo("<s>Be brief.</s>");
  }

  @Test
  void ofAListTheDefaultIsTakenAndTheOtherForTools() throws Exception {
    write(
        """
        {"chat_template": [{"name": "tool_use", "template": "tools: {{ tools|tojson }}"},
                           {"name": "default", "template": "plain {{ tools is none }}"}]}
        """);
    var template = ChatTemplate.in(folder).orElseThrow();
    assertThat(template.render(CHAT, true)).isEqualTo("plain True");
    assertThat(
            template.render(
                List.of(Map.of("role", "user", "content", "x")),
                true,
                Map.of("tools", List.of(Map.of("name", "f"))),
                LocalDateTime.now()))
        .isEqualTo("tools: [{\"name\": \"f\"}]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "{\"chat_template\": 3}",
        "{\"chat_template\": [{\"name\": \"default\"}]}",
        "{\"chat_template\": \"{% for %}\"}"
      })
  void brokenSettingsAreDiagnosticsThatNameTheFolder(String config) throws Exception {
    write(config);
    assertThatThrownBy(() -> ChatTemplate.in(folder))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining(folder.toString());
  }

  private void write(String config) throws Exception {
    Files.writeString(folder.resolve("tokenizer_config.json"), config);
  }

  private String render() {
    return ChatTemplate.in(folder).orElseThrow().render(CHAT, true);
  }
}
