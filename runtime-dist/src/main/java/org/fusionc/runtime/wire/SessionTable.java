package org.fusionc.runtime.wire;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.fusionc.runtime.proto.Sequence;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one run at one stage: how far each has come, and which of the run's pages are
 * its. Not for several threads.
 */
public final class SessionTable {
  private static final class Entry {
    int[] pages = new int[0];
    int accepted;
    int computed;
  }

  private final Map<Long, Entry> entries = new HashMap<>();
  private final @Nullable Entry[] owners;
  private final int pageTokens;
  private final int capacity;

  /**
   * @param pages that the run has reserved
   * @param pageTokens positions per page
   * @param capacity sessions at most
   */
  public SessionTable(int pages, int pageTokens, int capacity) {
    owners = new Entry[pages];
    this.pageTokens = pageTokens;
    this.capacity = capacity;
  }

  public int pages() {
    return owners.length;
  }

  public int size() {
    return entries.size();
  }

  /** Positions of a session that frames have brought; 0 if it is unknown. */
  public int accepted(long session) {
    var entry = entries.get(session);
    return entry == null ? 0 : entry.accepted;
  }

  /** Positions of a session that have been computed; 0 if it is unknown. */
  public int computed(long session) {
    var entry = entries.get(session);
    return entry == null ? 0 : entry.computed;
  }

  boolean hasRoomFor(int sessions) {
    return sessions <= capacity - entries.size();
  }

  /** Whether frames have brought anything of a session that has not been forgotten. */
  public boolean knows(long session) {
    return entries.containsKey(session);
  }

  /** Whether a page belongs to another session. */
  boolean isTaken(int page, long session) {
    var owner = owners[page];
    return owner != null && owner != entries.get(session);
  }

  /** The page that holds a part of a session's cache already; -1 if none does. */
  int pageAt(long session, int index) {
    var entry = entries.get(session);
    return entry == null || index >= entry.pages.length ? -1 : entry.pages[index];
  }

  /** Takes note of a sequence that {@link FrameCheck} has let pass. */
  void accept(Sequence sequence) {
    var entry = entries.computeIfAbsent(sequence.getSession(), id -> new Entry());
    var pages = sequence.getPagesList().stream().mapToInt(Integer::intValue).toArray();
    if (!Arrays.equals(pages, entry.pages)) {
      release(entry);
      for (int page : pages) {
        owners[page] = entry;
      }
      // Whatever lies in the others is not the session's.
      entry.computed = Math.min(entry.computed, positions(entry.pages, pages));
      entry.pages = pages;
    }
    entry.accepted = sequence.getStart() + sequence.getTokens();
  }

  /** How many positions lie in the same pages. */
  private int positions(int[] pages, int[] others) {
    int differ = Arrays.mismatch(pages, others);
    long same = differ < 0 ? pages.length : differ;
    return (int) Math.min(same * pageTokens, Integer.MAX_VALUE);
  }

  /**
   * A sequence has been computed. Of a session that has got other pages meanwhile only those
   * positions count that lie where they did; nothing if it is unknown.
   */
  public void computed(Sequence sequence) {
    var entry = entries.get(sequence.getSession());
    if (entry != null) {
      int same = 0;
      int most = Math.min(entry.pages.length, sequence.getPagesCount());
      while (same < most && entry.pages[same] == sequence.getPages(same)) {
        same++;
      }
      entry.computed =
          (int) Math.min(sequence.getStart() + sequence.getTokens(), (long) same * pageTokens);
    }
  }

  /** What has been accepted but not computed will not be: it comes again. */
  public void rewind() {
    entries.values().forEach(entry -> entry.accepted = entry.computed);
  }

  /** Frees a session's pages. */
  public void forget(long session) {
    var entry = entries.remove(session);
    if (entry != null) {
      release(entry);
    }
  }

  private void release(Entry entry) {
    for (int page : entry.pages) {
      owners[page] = null;
    }
  }
}
