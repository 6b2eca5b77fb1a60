package org.fusionc.runtime.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/**
 * Loads the native tokenizer library without letting it near a network.
 *
 * <p>Left alone the library reports its use from cloud machines, and fetches another build of
 * itself where it sees a GPU. Both are switched off before its first class is touched, and what it
 * unpacks goes to a folder of fusionc's own.
 */
final class NativeTokenizers {
  static {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    setUnlessGiven("RUST_FLAVOR", "cpu");
    // Its only log lines say what it unpacked; without a log provider slf4j would print a warning.
    setUnlessGiven("slf4j.internal.verbosity", "ERROR");
    if (System.getenv("DJL_CACHE_DIR") == null && System.getProperty("DJL_CACHE_DIR") == null) {
      System.setProperty("DJL_CACHE_DIR", cacheDirectory().toString());
    }
  }

  private NativeTokenizers() {}

  /**
   * Reads a tokenizer.json; truncation and padding that it may ask for are off, because a prompt
   * must never be cut silently.
   *
   * @param name what to call the file in messages
   */
  static HuggingFaceTokenizer parse(String name, String json) {
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
          Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "true"));
    } catch (UnsatisfiedLinkError | ExceptionInInitializerError | NoClassDefFoundError e) {
      throw Diagnostic.failed(
              Location.named(name),
              "the native tokenizer library cannot be loaded: " + reason(e),
              "give a writable folder in the environment variable DJL_CACHE_DIR, or run with"
                  + " --prompt-ids, which needs no tokenizer")
          .exception();
    } catch (IOException | RuntimeException e) {
      throw Diagnostic.invalid(
              Location.named(name),
              "this is not a tokenizer that can be read: " + reason(e),
              "take the file again from where the model came from, or run with --prompt-ids, which"
                  + " needs no tokenizer")
          .exception();
    }
  }

  private static String reason(Throwable problem) {
    Throwable root = problem;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message == null ? root.getClass().getSimpleName() : message.strip();
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** A folder that only this user writes to: its content is loaded as machine code. */
  private static Path cacheDirectory() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path base =
        cache == null || cache.isBlank()
            ? Path.of(System.getProperty("user.home", "."), ".cache")
            : Path.of(cache);
    Path own = base.resolve("fusionc").resolve("native");
    try {
      Files.createDirectories(own);
      if (Files.isWritable(own)) {
        return own;
      }
    } catch (IOException e) {
      // A read-only home is common in containers; the temporary folder below serves as well.
    }
    try {
      Path temporary = Files.createTempDirectory("fusionc-native");
      temporary.toFile().deleteOnExit();
      return temporary;
    } catch (IOException e) {
      throw Diagnostic.failed(
              Location.named(own.toString()),
              "there is nowhere to unpack the native tokenizer library to",
              "give a writable folder in the environment variable DJL_CACHE_DIR")
          .exception();
    }
  }
}
