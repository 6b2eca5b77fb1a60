package org.fusionc.runtime.text;

import java.util.Arrays;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/**
 * Decodes a sequence one id at a time. All that {@link #accept} and {@link #finish} return, joined,
 * is what {@link Tokenizer#decode} gives for the whole sequence.
 *
 * <p>A token's text depends on its neighbours: a character may be spread over several tokens, and
 * the space before a word is dropped at the start of a text. So a window of recent ids is decoded,
 * and of its text what went out already is left away. The window begins with tokens that are known
 * to have text, which makes whatever happens at a text's start happen to them again and to nothing
 * else. What later tokens can still change is held back: a last U+FFFD, which may be an unfinished
 * character, and a run of byte tokens, which becomes text only if the whole run is UTF-8.
 *
 * <p>Not safe for use by several threads.
 */
public final class TextStream {
  /** Above this many ids, a window that never settles (garbage bytes) is cut where that is safe. */
  private static final int LONG_WINDOW = 24;

  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
  private final StringBuilder emitted = new StringBuilder();
  private long[] all = new long[64];
  private int count;

  /** Where the window starts in {@link #all}, and how much of its text has gone out. */
  private int windowStart;

  private int emittedOfWindow;
  private boolean finished;

  TextStream(Tokenizer tokenizer, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  /**
   * Continues a text that {@code prompt} began, so that the first generated word keeps the space
   * before it. Only the new text comes out. Call it before the first {@link #accept}.
   *
   * @param prompt ids that are not in the vocabulary are passed over: nobody asks for their text
   */
  public TextStream after(int... prompt) {
    // One token with text is enough to be no longer at a text's start. One that is part of a
    // character would not do: bytes of the prompt must not merge with bytes of the answer.
    for (int i = prompt.length - 1; i >= 0; i--) {
      int id = prompt[i];
      if (tokenizer.token(id).isEmpty()
          || tokenizer.isSpecial(id)
          || tokenizer.vocabulary().isFallbackByte(id)) {
        continue;
      }
      all[0] = id;
      String text = decode(0, 1);
      if (!text.isEmpty() && !text.endsWith("\uFFFD")) {
        count = 1;
        emitted.append(text);
        emittedOfWindow = text.length();
        break;
      }
    }
    return this;
  }

  /**
   * The text that became certain with {@code id}, often empty.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the id is not in the vocabulary
   */
  public String accept(int id) {
    if (finished) {
      throw new IllegalStateException("the stream is finished");
    }
    tokenizer.check(id);
    if (skipSpecialTokens && tokenizer.isSpecial(id)) {
      return "";
    }
    if (count == all.length) {
      all = Arrays.copyOf(all, 2 * count);
    }
    all[count++] = id;
    if (isByte(count - 1)) {
      return "";
    }
    String window = decode(windowStart, count);
    int certain = window.endsWith("\uFFFD") ? window.length() - 1 : window.length();
    String out = advance(window, certain);
    if (certain == window.length()) {
      moveWindow(count - 1);
    } else if (count - windowStart > LONG_WINDOW) {
      cutLongWindow(window);
    }
    return out;
  }

  /** The text that was held back; after this the stream takes no more ids. */
  public String finish() {
    finished = true;
    String window = decode(windowStart, count);
    return advance(window, window.length());
  }

  private String advance(String window, int certain) {
    if (certain < emittedOfWindow || !endsWith(window.substring(0, emittedOfWindow))) {
      throw Diagnostic.failed(
              Location.named(Tokenizer.FILE),
              "the tokenizer's decoder changes text that an earlier token already gave",
              "ask for the text at the end instead of streaming it")
          .exception();
    }
    String out = window.substring(emittedOfWindow, certain);
    emitted.append(out);
    emittedOfWindow = certain;
    return out;
  }

  /**
   * Starts the window at {@code start}, or earlier until its first tokens have text: everything in
   * the old window has gone out.
   */
  private void moveWindow(int start) {
    for (int i = start; i > windowStart; i--) {
      if (isByte(i) && isByte(i - 1)) {
        continue; // never begin inside a run of bytes
      }
      String text = decode(i, count);
      // A window that begins inside a character shows other text than what went out.
      if (!text.isEmpty() && endsWith(text)) {
        windowStart = i;
        emittedOfWindow = text.length();
        return;
      }
    }
  }

  /** Cuts where the two halves, decoded apart, give the same text as together. */
  private void cutLongWindow(String window) {
    for (int i = count - 4; i > windowStart; i--) {
      String head = decode(windowStart, i);
      String tail = decode(i, count);
      if (!tail.isEmpty() && (head + tail).equals(window) && head.length() <= emittedOfWindow) {
        windowStart = i;
        emittedOfWindow -= head.length();
        return;
      }
    }
  }

  private boolean endsWith(String text) {
    int start = emitted.length() - text.length();
    return start >= 0 && emitted.indexOf(text, start) == start;
  }

  private boolean isByte(int index) {
    return tokenizer.vocabulary().isFallbackByte((int) all[index]);
  }

  private String decode(int from, int to) {
    return tokenizer.decodeChecked(Arrays.copyOfRange(all, from, to), skipSpecialTokens);
  }
}
