package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.fusionc.runtime.text.Tokenizer;

/**
 * The text and the bytes of single tokens, as log-probabilities show them. A token in the middle of
 * a text is meant: a space that it brings along stays.
 */
final class TokenTexts {
  private static final Map<Integer, Integer> BYTE_OF_LETTER = bytesOfLetters();

  private final Tokenizer tokenizer;
  private final int[] anchor;
  private final int anchorLength;

  TokenTexts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    var ids = tokenizer.encode("a", false);
    anchor = ids.length == 0 ? new int[0] : new int[] {ids[ids.length - 1]};
    anchorLength = tokenizer.decode(anchor, false).length();
  }

  /**
   * A token.
   *
   * @param text with U+FFFD for bytes that are no whole character
   */
  record Shown(String text, byte[] bytes) {}

  Shown of(int id) {
    var token = tokenizer.token(id);
    if (token.isEmpty()) {
      return new Shown("", new byte[0]);
    }
    var both = new int[anchor.length + 1];
    System.arraycopy(anchor, 0, both, 0, anchor.length);
    both[anchor.length] = id;
    var whole = tokenizer.decode(both, false);
    var text = whole.length() < anchorLength ? "" : whole.substring(anchorLength);
    if (text.indexOf('\uFFFD') >= 0) {
      return new Shown(text, part(token.get()).orElseGet(() -> text.getBytes(UTF_8)));
    }
    return new Shown(text, text.getBytes(UTF_8));
  }

  /** The bytes of a token that is a part of a character, from its spelling in the vocabulary. */
  private static Optional<byte[]> part(String token) {
    if (token.matches("<0x[0-9A-F]{2}>")) {
      return Optional.of(new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)});
    }
    var bytes = new ByteArrayOutputStream();
    for (int letter : token.codePoints().toArray()) {
      var value = BYTE_OF_LETTER.get(letter);
      if (value == null) {
        return Optional.empty();
      }
      bytes.write(value);
    }
    return Optional.of(bytes.toByteArray());
  }

  /**
   * Byte-level vocabularies spell each byte as a letter: printable ones as themselves, the others
   * as the letters from U+0100 on.
   */
  private static Map<Integer, Integer> bytesOfLetters() {
    var letters = new HashMap<Integer, Integer>();
    int next = 0x100;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      letters.put(printable ? value : next++, value);
    }
    return Map.copyOf(letters);
  }
}
