package org.fusionc.runtime.cluster;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The token ids that were fed per session, by position, and the pages of its cache: what the first
 * stage's cache is rebuilt from. Not for several threads.
 */
final class TokenLog {
  /** One session's tokens. */
  static final class Tokens {
    private int[] ids = new int[64];
    private int length;
    private int[] pages;

    private Tokens(int[] pages) {
      this.pages = pages;
    }

    int[] pages() {
      return pages;
    }

    int length() {
      return length;
    }

    int[] ids(int from, int to) {
      return Arrays.copyOfRange(ids, from, to);
    }
  }

  private final Map<Long, Tokens> sessions = new LinkedHashMap<>();

  /** Keeps tokens at positions from {@code start} on; what was there and after is replaced. */
  void put(long session, int start, int[] ids, int[] pages) {
    var tokens = sessions.computeIfAbsent(session, k -> new Tokens(pages));
    int end = start + ids.length;
    if (end > tokens.ids.length) {
      tokens.ids = Arrays.copyOf(tokens.ids, Math.max(end, 2 * tokens.ids.length));
    }
    System.arraycopy(ids, 0, tokens.ids, start, ids.length);
    tokens.length = end;
    tokens.pages = pages;
  }

  void forget(long session) {
    sessions.remove(session);
  }

  Set<Long> sessions() {
    return sessions.keySet();
  }

  Tokens of(long session) {
    var tokens = sessions.get(session);
    if (tokens == null) {
      throw new IllegalStateException("no tokens of session " + session);
    }
    return tokens;
  }

  boolean isEmpty() {
    return sessions.isEmpty();
  }
}
