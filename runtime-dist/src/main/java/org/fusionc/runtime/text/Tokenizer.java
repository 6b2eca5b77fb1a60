package org.fusionc.runtime.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;

/**
 * Text to token ids and back, as the model's tokenizer.json (the Hugging Face format) says.
 *
 * <p>Safe for use by several threads. Decoding does no clean-up of spaces before punctuation: what
 * the tokens say is what comes out, so that streamed and whole text are the same.
 */
public final class Tokenizer implements AutoCloseable {
  /** The file's name in a model directory and in an artifact. */
  public static final String FILE = "tokenizer.json";

  private final String name;
  private final String json;
  private final HuggingFaceTokenizer tokenizer;
  private final Vocabulary vocabulary;

  private Tokenizer(String name, String json) {
    this.name = name;
    this.json = json;
    this.vocabulary = Vocabulary.parse(name, json);
    this.tokenizer = NativeTokenizers.parse(name, json);
  }

  /** Whether {@code modelDirectory} has a tokenizer at all; without one, prompts are ids. */
  public static boolean isIn(Path modelDirectory) {
    return Files.isRegularFile(modelDirectory.resolve(FILE));
  }

  /**
   * The tokenizer of a model directory.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there is none, or it cannot be read
   */
  public static Tokenizer open(Path modelDirectory) {
    Path file = modelDirectory.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw Diagnostic.invalid(
              Location.named(modelDirectory.toString()),
              "the model has no tokenizer: there is no " + FILE,
              "copy " + FILE + " beside the weights, or give the prompt as ids (--prompt-ids)")
          .exception();
    }
    try {
      return parse(file.toString(), Files.readString(file));
    } catch (CharacterCodingException e) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "this is not a tokenizer.json: it is not UTF-8 text",
              "take the file again from where the model came from")
          .exception();
    } catch (IOException e) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "the tokenizer cannot be read: " + IoReason.of(e),
              "check the file's permissions")
          .exception();
    }
  }

  /**
   * A tokenizer from the text of a tokenizer.json.
   *
   * @param name what to call the text in messages
   */
  public static Tokenizer parse(String name, String json) {
    return new Tokenizer(name, json);
  }

  /** The tokenizer.json this was read from, byte for byte, to be kept in an artifact. */
  public String json() {
    return json;
  }

  /**
   * The ids of {@code text}. A special token spelled out in the text becomes its id, as chat
   * templates need.
   *
   * @param addSpecialTokens whether to add what the tokenizer puts around a text, such as a
   *     beginning-of-text token; a rendered chat template brings its own and wants {@code false}
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    int surrogate = loneSurrogate(text);
    if (surrogate >= 0) {
      throw Diagnostic.invalid(
              Location.named("prompt"),
              "the text is not valid Unicode: half a surrogate pair stands at index " + surrogate,
              "give the text as valid UTF-8")
          .exception();
    }
    long[] ids = tokenizer.encode(text, addSpecialTokens, false).getIds();
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  /**
   * The text of {@code ids}; bytes that are no UTF-8 become U+FFFD.
   *
   * @param skipSpecialTokens whether special tokens such as end-of-text are left out
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if an id is not in the vocabulary
   */
  public String decode(int[] ids, boolean skipSpecialTokens) {
    for (int id : ids) {
      check(id);
    }
    return decodeChecked(IntStream.of(ids).asLongStream().toArray(), skipSpecialTokens);
  }

  /** A decoder that takes one id at a time; one per generated sequence. */
  public TextStream stream(boolean skipSpecialTokens) {
    return new TextStream(this, skipSpecialTokens);
  }

  /** One more than the largest id; a model may have more rows in its embedding than that. */
  public int size() {
    return vocabulary.size();
  }

  /** The id of a token by its exact spelling in the vocabulary, such as {@code </s>}. */
  public OptionalInt id(String token) {
    return vocabulary.id(token);
  }

  /** The spelling of an id in the vocabulary (not its text); empty if there is no such id. */
  public Optional<String> token(int id) {
    return Optional.ofNullable(vocabulary.token(id));
  }

  /** Whether the id is a token that carries no text, such as end-of-text. */
  public boolean isSpecial(int id) {
    return id >= 0 && vocabulary.isSpecial(id);
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Throws unless {@code id} is in the vocabulary: the native decoder would drop it silently. */
  void check(int id) {
    if (vocabulary.token(id) == null) {
      throw Diagnostic.invalid(
              Location.named(name),
              "token id "
                  + id
                  + " is not in the tokenizer's vocabulary (ids 0 to "
                  + (vocabulary.size() - 1)
                  + ")",
              "check that the tokenizer belongs to this model, and the ids given in the prompt")
          .exception();
    }
  }

  String decodeChecked(long[] ids, boolean skipSpecialTokens) {
    return ids.length == 0 ? "" : tokenizer.decode(ids, skipSpecialTokens);
  }

  private static int loneSurrogate(String text) {
    if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      return -1;
    }
    for (int i = 0; i < text.length(); i++) {
      int codePoint = text.codePointAt(i);
      if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
        return i;
      }
      i += Character.charCount(codePoint) - 1;
    }
    return -1;
  }
}
