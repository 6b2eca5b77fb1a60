package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.AttentionCall;
import org.fusionc.backend.cpu.kernel.AttentionSteps;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Scratch;

/**
 * The steps of one {@link PagedAttention}: a block of consecutive tokens against one key head,
 * chunk by chunk, and in each chunk tile by tile of rows (a row is a token and a query head).
 */
final class AttentionBlocks implements AttentionSteps {
  private static final int GROUP = AttentionLayout.GROUP;
  private static final int CHUNK = AttentionLayout.CHUNK;
  private static final int SCORE_BYTES = AttentionLayout.SCORE_BYTES;

  /** Addresses after the last group's, which kernels ask for ahead of time. */
  private static final int AHEAD = 4;

  private static final int TABLE_BYTES = 8 * (CHUNK / GROUP + AHEAD);

  @SuppressWarnings("restricted") // what is written here is this thread's scratch memory
  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private final PagedAttention attention;
  private final AttentionKernels kernels;
  private final AttentionLayout layout;
  private final AttentionCall call;
  private final KvPages cache;
  private final Attention.Shape shape;
  private final int group;
  private final int keyDim;
  private final int rowBytes;
  private final boolean inPlace;

  // Where things lie in the scratch memory, which begins with the queries.
  private final long stateBytes;
  private final long states;
  private final long next;
  private final long scores;
  private final long keys;
  private final long values;
  private final long extras;
  private final long stagedKeys;
  private final long stagedValues;
  private final long scratchBytes;

  /**
   * The steps of a call.
   *
   * @param most tokens in the largest block
   */
  AttentionBlocks(PagedAttention attention, AttentionCall call, int most) {
    this.attention = attention;
    this.call = call;
    kernels = attention.kernels;
    cache = call.cache();
    shape = call.shape();
    group = call.group();
    keyDim = cache.kind().keyDim();
    inPlace = cache.wholeGroups();
    layout = kernels.layout;
    rowBytes = layout.stateBytes();
    long rows = (long) most * group;
    stateBytes = rows * rowBytes;
    states = aligned(rows * keyDim * Float.BYTES);
    next = states + stateBytes;
    scores = next + (long) layout.mostRows() * rowBytes;
    keys = scores + (long) layout.mostRows() * SCORE_BYTES;
    values = keys + TABLE_BYTES;
    extras = values + TABLE_BYTES;
    stagedKeys = aligned(extras + WeightRow.EXTRA_BYTES);
    stagedValues = stagedKeys + (inPlace ? 0 : (long) CHUNK * keyDim * layout.format().bytes());
    scratchBytes = stagedValues + (inPlace ? 0 : (long) CHUNK * layout.valueRowBytes());
  }

  private static long aligned(long bytes) {
    return Math.ceilDiv(bytes, 64L) * 64;
  }

  @Override
  public long stateBytes() {
    return stateBytes;
  }

  @Override
  public void whole(int first, int end, int keyHead) {
    long scratch = Scratch.reserve(scratchBytes);
    pack(first, end, keyHead, scratch);
    int firstChunk = call.firstVisible(first) / CHUNK;
    int lastChunk = call.position(end - 1) / CHUNK;
    for (int chunk = firstChunk; chunk <= lastChunk; chunk++) {
      chunk(first, end, keyHead, chunk, scratch, scratch + states, chunk > firstChunk);
    }
    finish(first, end, keyHead, scratch + states);
  }

  @Override
  public void chunk(int first, int end, int keyHead, int chunk, long state) {
    long scratch = Scratch.reserve(scratchBytes);
    pack(first, end, keyHead, scratch);
    chunk(first, end, keyHead, chunk, scratch, state, false);
  }

  @Override
  public void merge(long state, long other, int tokens) {
    StateMerge.run(kernels.merge, state, other, (long) tokens * group);
  }

  @Override
  public void finish(int first, int end, int keyHead, long state) {
    for (int t = first; t < end; t++) {
      long head = call.row(t, keyHead);
      StateFinish.run(
          attention.finish,
          state + (long) (t - first) * group * rowBytes,
          call.out() + head * cache.kind().valueDim() * Float.BYTES,
          group,
          call.sinks() + (long) keyHead * group * Float.BYTES);
    }
  }

  /** Brings the queries of a block together, rotated and scaled. */
  private void pack(int first, int end, int keyHead, long to) {
    var rope = attention.rope;
    for (int t = first; t < end; t++) {
      long head = call.row(t, keyHead);
      RopeRow.run(
          attention.rotate,
          call.q() + head * keyDim * Float.BYTES,
          to + (long) (t - first) * group * keyDim * Float.BYTES,
          rope == null ? 0 : rope.row(call.position(t)),
          group,
          shape.scale());
    }
  }

  private void chunk(
      int first, int end, int keyHead, int chunk, long scratch, long state, boolean merged) {
    int start = chunk * CHUNK;
    int from = Math.max(call.firstVisible(first) - start, 0);
    int to = Math.min(call.position(end - 1) + 1 - start, CHUNK);
    int rows = (end - first) * group;
    if (from < to) {
      locate(first, end, keyHead, start, from, to, scratch);
    }
    int count = Math.ceilDiv(rows, layout.mostRows());
    int step = Math.ceilDiv(rows, count);
    for (int r = 0; r < rows; r += step) {
      int n = Math.min(step, rows - r);
      int tileFrom = Math.max(call.firstVisible(first + r / group) - start, 0);
      int tileTo = Math.min(call.position(first + (r + n - 1) / group) + 1 - start, CHUNK);
      long written = state + (long) r * rowBytes;
      if (tileFrom < tileTo) {
        tile(
            first,
            keyHead,
            start,
            r,
            n,
            tileFrom,
            tileTo,
            scratch,
            merged ? scratch + next : written);
        if (merged) {
          StateMerge.run(kernels.merge, written, scratch + next, n);
        }
      } else if (!merged) {
        empty(written, n);
      }
    }
  }

  /** Does rows {@code r … r+n-1} of a block against the positions that they see of a chunk. */
  private void tile(
      int first, int keyHead, int start, int r, int n, int from, int to, long scratch, long state) {
    int firstGroup = from / GROUP;
    int groups = Math.ceilDiv(to, GROUP) - firstGroup;
    long row = scratch + scores + (long) firstGroup * GROUP * Float.BYTES;
    long query = scratch + (long) r * keyDim * Float.BYTES;
    long table = scratch + keys + 8L * firstGroup;
    int per = layout.groupsFor(n);
    int tiles = groups / per;
    int rest = groups % per;
    if (tiles > 0) {
      ScoreTile.run(kernels.scores(n, per), query, table, tiles, row);
    }
    if (rest > 0) {
      int done = tiles * per;
      long scored = row + (long) done * GROUP * Float.BYTES;
      ScoreTile.run(kernels.scores(n, rest), query, table + 8L * done, 1, scored);
    }
    int base = start + firstGroup * GROUP;
    for (int i = 0; i < n; i++) {
      int at = call.position(first + (r + i) / group);
      extras(scratch + extras, keyHead * group + (r + i) % group, base - at);
      WeightRow.run(
          attention.weigh,
          row + (long) i * SCORE_BYTES,
          (long) groups * layout.vectorsPerGroup(),
          state + (long) i * rowBytes + layout.largestAt(),
          shape.firstVisible(at) - base,
          Math.min(at + 1, start + CHUNK) - base,
          scratch + extras);
    }
    int whole = to / GROUP - firstGroup;
    int valueRows = Math.ceilDiv(n, Math.ceilDiv(n, layout.mostValueRows()));
    for (int i = 0; i < n; i += valueRows) {
      int some = Math.min(valueRows, n - i);
      int vectors = layout.vectorsFor(some);
      for (int v = 0; v < layout.valueVectors(); v += vectors) {
        int width = Math.min(vectors, layout.valueVectors() - v);
        ValueTile.run(
            kernels.values(some, width),
            row + (long) i * SCORE_BYTES,
            scratch + values + 8L * firstGroup,
            whole,
            to % GROUP,
            state + (long) i * rowBytes + (long) v * layout.target().vector(),
            (long) v * layout.vectorBytes());
      }
    }
  }

  private void extras(long to, int head, int distance) {
    if (shape.softcap() > 0) {
      setFloat(to, 1 / shape.softcap());
      setFloat(to + 4, shape.softcap());
    }
    if (call.slopes() != 0) {
      setFloat(
          to + 8,
          ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, call.slopes() + (long) head * Float.BYTES));
      setFloat(to + 12, distance);
    }
  }

  /** Writes the addresses of key groups and value groups, copying them together if need be. */
  private void locate(int first, int end, int keyHead, int start, int from, int to, long scratch) {
    int[] pages = call.pages(first, start + to - 1);
    int pageTokens = cache.pageTokens();
    int group = from / GROUP;
    int after = Math.ceilDiv(to, GROUP);
    for (int g = group; g < after; g++) {
      int at = start + g * GROUP;
      long key;
      long value;
      if (inPlace) {
        int page = pages[at / pageTokens];
        key = cache.keyGroup(page, keyHead, at % pageTokens);
        value = cache.value(page, keyHead, at % pageTokens);
      } else {
        key = scratch + stagedKeys + (long) g * keyDim * layout.keyStepBytes();
        value = scratch + stagedValues + (long) g * GROUP * layout.valueRowBytes();
        stage(pages, keyHead, at, Math.max(start + from, at), start + to, key, value);
      }
      setLong(scratch + keys + 8L * g, key);
      setLong(scratch + values + 8L * g, value);
    }
    // After the last keys the first values are due, and after the last values the next chunk's
    // keys.
    for (int i = 0; i < AHEAD; i++) {
      setLong(scratch + keys + 8L * (after + i), value(scratch, Math.min(group + i, after - 1)));
    }
    for (int i = 0; i < ValueTile.AHEAD; i++) {
      int following = start + CHUNK + i * GROUP;
      boolean more = inPlace && following <= call.position(end - 1);
      setLong(
          scratch + values + 8L * (after + i),
          more
              ? cache.keyGroup(pages[following / pageTokens], keyHead, following % pageTokens)
              : value(scratch, group));
    }
  }

  private long value(long scratch, int group) {
    return ALL.get(ValueLayout.JAVA_LONG, scratch + values + 8L * group);
  }

  /** A group put together from pages that it straddles; a page before the window may be gone. */
  private void stage(int[] pages, int keyHead, int at, int from, int to, long key, long value) {
    int pageTokens = cache.pageTokens();
    int bytes = layout.format().bytes();
    ALL.asSlice(value, (long) GROUP * layout.valueRowBytes()).fill((byte) 0);
    for (int p = from; p < Math.min(to, at + GROUP); p++) {
      int page = pages[p / pageTokens];
      cache.copyKey(page, keyHead, p % pageTokens, key + (long) (p - at) * bytes);
      cache.copyValue(
          page, keyHead, p % pageTokens, value + (long) (p - at) * layout.valueRowBytes());
    }
  }

  private void empty(long state, int rows) {
    for (int r = 0; r < rows; r++) {
      long at = state + (long) r * rowBytes;
      ALL.asSlice(at, rowBytes).fill((byte) 0);
      setFloat(at + layout.largestAt(), Float.NEGATIVE_INFINITY);
    }
  }

  private static void setFloat(long address, float value) {
    ALL.set(ValueLayout.JAVA_FLOAT, address, value);
  }

  private static void setLong(long address, long value) {
    ALL.set(ValueLayout.JAVA_LONG, address, value);
  }
}
