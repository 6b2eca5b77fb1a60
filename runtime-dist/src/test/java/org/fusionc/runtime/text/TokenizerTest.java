package org.fusionc.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Random;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.runtime.SharedFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerTest {
  private static final String GPT2 = "tokenizers/gpt2";
  private static final String PHI3 = "tokenizers/phi-3-mini";
  private static final String QWEN2 = "tokenizers/qwen2";
  private static final String STORIES = "models/stories260K";
  private static final String SHAKESPEARE = "models/shakespeare-1m";

  @ParameterizedTest
  @ValueSource(strings = {GPT2, PHI3, QWEN2, STORIES})
  void goldenIdsReproduceAndTextComesBackStreamed(String folder) throws Exception {
    Path directory = SharedFiles.find(folder);
    int cases = 0;
    try (var tokenizer = Tokenizer.open(directory)) {
      for (JsonNode entry : json(directory.resolve("tokenizer_golden.json"))) {
        String text = entry.get("text").stringValue();
        int[] expected = ids(entry.get("ids"));
        int[] actual = tokenizer.encode(text, true);
        assertThat(actual).as("ids of '%s'", text).isEqualTo(expected);
        assertThat(tokenizer.decode(actual, true)).as("text back").isEqualTo(text);
        assertStreamed(tokenizer, actual);
        cases++;
      }
    }
    assertThat(cases).isGreaterThan(40);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        STORIES,
        SHAKESPEARE,
        "models/gpt-nano-sort",
        "models/stories260K-f16",
        "models/stories260K-bf16-sharded"
      })
  void goldenTextComesOutOfStreamedIds(String folder) throws Exception {
    Path directory = SharedFiles.find(folder);
    try (var tokenizer = Tokenizer.open(directory)) {
      for (JsonNode entry : json(directory.resolve("golden.json"))) {
        int[] prompt = ids(entry.get("prompt_ids"));
        int[] greedy = ids(entry.get("greedy_ids"));
        String text = entry.get("text").stringValue();
        assertThat(tokenizer.encode(entry.get("prompt").stringValue(), true)).isEqualTo(prompt);
        if (!folder.equals(SHAKESPEARE)) {
          // This golden text is the prompt and what follows it.
          assertThat(streamed(tokenizer, concat(prompt, greedy))).isEqualTo(text);
          String continuation = streamed(tokenizer.stream(true).after(prompt), greedy);
          assertThat(entry.get("prompt").stringValue() + continuation).isEqualTo(text);
        } else {
          assertThat(streamed(tokenizer, greedy)).isEqualTo(text);
        }
      }
    }
  }

  /** Random ids are mostly garbage bytes and half characters: the hardest thing to stream. */
  @ParameterizedTest
  @ValueSource(strings = {GPT2, PHI3, QWEN2, STORIES, SHAKESPEARE})
  void anySequenceStreamsToItsFullDecode(String folder) {
    var random = new Random(7);
    try (var tokenizer = Tokenizer.open(SharedFiles.find(folder))) {
      int[] known =
          IntStream.range(0, tokenizer.size())
              .filter(id -> tokenizer.token(id).isPresent())
              .toArray();
      for (int round = 0; round < 200; round++) {
        int range = round % 2 == 0 ? known.length : Math.min(known.length, 300);
        int length = random.nextInt(60);
        int[] ids = random.ints(length, 0, range).map(i -> known[i]).toArray();
        assertStreamed(tokenizer, ids);
      }
    }
  }

  /** A lone first byte again and again never completes a character; the window must not grow. */
  @ParameterizedTest
  @ValueSource(strings = {GPT2, PHI3})
  void longGarbageStaysLinear(String folder) {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(folder))) {
      String first = folder.equals(GPT2) ? "\u00f0" : "<0xF0>";
      int id = tokenizer.id(first).orElseThrow();
      int[] ids = IntStream.range(0, 5000).map(i -> id).toArray();
      assertThat(streamed(tokenizer, ids)).isEqualTo("\uFFFD".repeat(5000));
    }
  }

  @Test
  void aCharacterOverSeveralTokensComesOutWhole() {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(GPT2))) {
      int[] ids = tokenizer.encode("a\uD83E\uDD99b", false);
      var parts = new ArrayList<String>();
      var stream = tokenizer.stream(true);
      for (int id : ids) {
        parts.add(stream.accept(id));
      }
      parts.add(stream.finish());
      assertThat(ids.length).isGreaterThan(3);
      assertThat(parts)
          .filteredOn(part -> !part.isEmpty())
          .containsExactly("a", "\uD83E\uDD99", "b");
    }
  }

  /** The prompt ends inside a character; the answer's bytes are garbage of their own. */
  @Test
  void bytesOfThePromptDoNotMergeWithBytesOfTheAnswer() {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(PHI3))) {
      int[] prompt = tokenizer.encode("x \uD83E\uDD99", true);
      int last = prompt[prompt.length - 1];
      int word = tokenizer.encode("word", true)[0];
      assertThat(streamed(tokenizer.stream(true).after(prompt), new int[] {last, word}))
          .isEqualTo("\uFFFD word");
      assertThat(streamed(tokenizer.stream(true).after(-5, 99999999), new int[] {word}))
          .isEqualTo("word");
    }
  }

  @Test
  void specialTokensAreIdsInTextAndLeftOutOfText() {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(QWEN2))) {
      int[] ids = tokenizer.encode("<|im_start|>user\nHi<|im_end|>", false);
      assertThat(ids[0]).isEqualTo(tokenizer.id("<|im_start|>").orElseThrow());
      assertThat(tokenizer.isSpecial(ids[0])).isTrue();
      assertThat(tokenizer.decode(ids, true)).isEqualTo("user\nHi");
      assertThat(tokenizer.decode(ids, false)).isEqualTo("<|im_start|>user\nHi<|im_end|>");
      assertThat(streamed(tokenizer.stream(false), ids))
          .isEqualTo("<|im_start|>user\nHi<|im_end|>");
    }
  }

  @Test
  void withoutSpecialTokensTheBeginningOfTextIsLeftAway() {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(STORIES))) {
      assertThat(tokenizer.encode("Once", true)).containsExactly(1, 403);
      assertThat(tokenizer.encode("Once", false)).containsExactly(403);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 512, Integer.MAX_VALUE})
  void anIdOutsideTheVocabularyIsADiagnostic(int id) {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(STORIES))) {
      assertThatThrownBy(() -> tokenizer.decode(new int[] {1, id}, true))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("token id " + id)
          .hasMessageContaining("0 to 511");
      assertThatThrownBy(() -> tokenizer.stream(true).accept(id))
          .isInstanceOf(DiagnosticException.class);
    }
  }

  @Test
  void halfASurrogatePairIsADiagnostic() {
    try (var tokenizer = Tokenizer.open(SharedFiles.find(STORIES))) {
      assertThatThrownBy(() -> tokenizer.encode("ab\uD83E c", true))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("index 2");
    }
  }

  @Test
  void aMissingFileSaysWhatToDo(@TempDir Path directory) {
    assertThat(Tokenizer.isIn(directory)).isFalse();
    assertThatThrownBy(() -> Tokenizer.open(directory))
        .isInstanceOfSatisfying(
            DiagnosticException.class,
            e -> assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT))
        .hasMessageContaining("no tokenizer.json")
        .hasMessageContaining("--prompt-ids");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"model\": {\"vocab\": {\"a\": 0}",
        "{\"model\": {\"vocab\": {\"a\": 2000000000}}}",
        "{\"model\": {\"vocab\": {\"a\": \"x\"}}}",
        "{\"model\": 3}",
        "{\"version\": \"1.0\", \"model\": {\"type\": \"Nonsense\", \"vocab\": {\"a\": 0}}}"
      })
  void aBrokenFileIsADiagnostic(String content, @TempDir Path directory) throws Exception {
    Files.writeString(directory.resolve("tokenizer.json"), content);
    assertThatThrownBy(() -> Tokenizer.open(directory))
        .isInstanceOfSatisfying(
            DiagnosticException.class,
            e -> assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT))
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void nothingIsFetchedOrReported() {
    Tokenizer.open(SharedFiles.find(STORIES)).close();
    assertThat(System.getProperty("ai.djl.offline")).isEqualTo("true");
    assertThat(System.getProperty("OPT_OUT_TRACKING")).isEqualTo("true");
  }

  private static void assertStreamed(Tokenizer tokenizer, int[] ids) {
    assertThat(streamed(tokenizer, ids)).isEqualTo(tokenizer.decode(ids, true));
    assertThat(streamed(tokenizer.stream(false), ids)).isEqualTo(tokenizer.decode(ids, false));
  }

  private static String streamed(Tokenizer tokenizer, int[] ids) {
    return streamed(tokenizer.stream(true), ids);
  }

  private static String streamed(TextStream stream, int[] ids) {
    var text = new StringBuilder();
    for (int id : ids) {
      String part = stream.accept(id);
      assertThat(part).as("no half of a character").matches("(?s)[^\\p{Cs}]*");
      text.append(part);
    }
    return text.append(stream.finish()).toString();
  }

  private static JsonNode json(Path file) throws Exception {
    return new JsonMapper().readTree(Files.readString(file));
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(IntStream.of(a), IntStream.of(b)).toArray();
  }
}
