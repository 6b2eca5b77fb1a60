package org.fusionc.backend.cpu.kernel;

/**
 * The steps of one {@link Attention}: a block of consecutive tokens against one key head, chunk by
 * chunk.
 *
 * <p>The state of a row (a token and a query head) is its sum of values, then the largest score and
 * the sum of weights relative to it.
 */
final class AttentionWork implements AttentionSteps {

  /** Positions per chunk; chunks start at multiples of it. A stretch of {@link RowSums}. */
  static final int CHUNK = 16 * Lanes.COUNT;

  private static final int GROUPS = CHUNK / Lanes.COUNT;

  private final AttentionCall call;
  private final KvPages cache;
  private final Attention.Shape shape;
  private final int most;
  private final int group;
  private final int keyDim;
  private final int valueVectors;

  /** Keys and values can be used where they lie. */
  private final boolean inPlace;

  /**
   * The steps of a call.
   *
   * @param most tokens in the largest block
   */
  AttentionWork(AttentionCall call, int most) {
    this.call = call;
    this.most = most;
    cache = call.cache();
    shape = call.shape();
    group = call.group();
    keyDim = cache.kind().keyDim();
    valueVectors = cache.valueStride() / Lanes.COUNT;
    inPlace = cache.kind().format() == FloatFormat.F32 && cache.wholeGroups();
  }

  @Override
  public long stateBytes() {
    return stateBytes(most);
  }

  /** Bytes of the states of some tokens' rows. */
  private long stateBytes(int tokens) {
    return (long) tokens * group * rowBytes();
  }

  private long rowBytes() {
    return (long) (valueVectors + 1) * Lanes.BYTES;
  }

  private long scratchBytes(int tokens) {
    long rows = (long) tokens * group;
    return 8L * (rows + GROUPS + CHUNK)
        + 3L * Lanes.BYTES
        + rows * CHUNK * Float.BYTES
        + (inPlace ? 0 : (long) CHUNK * (keyDim + cache.valueStride()) * Float.BYTES);
  }

  @Override
  public void whole(int first, int end, int keyHead) {
    int tokens = end - first;
    long bytes = stateBytes(tokens);
    long state = Scratch.reserve(2 * bytes + scratchBytes(tokens));
    long next = state + bytes;
    int firstChunk = call.firstVisible(first) / CHUNK;
    int lastChunk = call.position(end - 1) / CHUNK;
    chunk(first, end, keyHead, firstChunk, state, next + bytes);
    for (int chunk = firstChunk + 1; chunk <= lastChunk; chunk++) {
      chunk(first, end, keyHead, chunk, next, next + bytes);
      merge(state, next, tokens);
    }
    finish(first, end, keyHead, state);
  }

  @Override
  public void chunk(int first, int end, int keyHead, int chunk, long state) {
    chunk(first, end, keyHead, chunk, state, Scratch.reserve(scratchBytes(end - first)));
  }

  private void chunk(int first, int end, int keyHead, int chunk, long state, long scratch) {
    int rows = (end - first) * group;
    int start = chunk * CHUNK;
    int from = Math.max(call.firstVisible(first), start) - start;
    int to = Math.min(call.position(end - 1) + 1, start + CHUNK) - start;
    if (from >= to) {
      for (int r = 0; r < rows; r++) {
        empty(state + r * rowBytes());
      }
      return;
    }
    long queries = scratch;
    long keys = queries + 8L * rows;
    long values = keys + 8L * GROUPS;
    long scores = (values + 8L * CHUNK + 63) / 64 * 64;
    long stride = (long) CHUNK * Float.BYTES;
    long staged = scores + rows * stride;
    int firstGroup = from / Lanes.COUNT;
    int endGroup = (to + Lanes.COUNT - 1) / Lanes.COUNT;
    for (int r = 0; r < rows; r++) {
      Lanes.setLong(queries + 8L * r, call.q() + query(first, keyHead, r) * keyDim * Float.BYTES);
    }
    locate(first, keyHead, start, from, to, keys, values, staged);
    AttentionTiles.scores(queries, rows, keys, firstGroup, endGroup, keyDim, scores, stride);
    for (int r = 0; r < rows; r++) {
      int token = first + r / group;
      int head = keyHead * group + r % group;
      long row = scores + r * stride;
      weigh(row, start, call.position(token), head, firstGroup, endGroup, state + r * rowBytes());
    }
    AttentionTiles.outputs(scores, stride, rows, values, from, to, valueVectors, state, rowBytes());
  }

  /** The index [token, head] of a row's query and output. */
  private long query(int first, int keyHead, int row) {
    return call.row(first + row / group, keyHead) + row % group;
  }

  /** Turns a row of products into weights, 0 for what the token does not see. */
  private void weigh(
      long row, int start, int at, int head, int firstGroup, int endGroup, long state) {
    int from = Math.max(shape.firstVisible(at) - start, 0);
    int to = Math.min(at + 1 - start, CHUNK);
    fill(row, 0, firstGroup * Lanes.COUNT, 0f);
    if (from >= to) {
      fill(row, firstGroup * Lanes.COUNT, endGroup * Lanes.COUNT, 0f);
      empty(state);
      return;
    }
    long begin = row + (long) firstGroup * Lanes.BYTES;
    int groups = endGroup - firstGroup;
    AttentionTiles.scale(begin, shape.scale(), groups);
    if (shape.softcap() > 0) {
      UnaryLoops.softcap(shape.softcap(), begin, begin, groups);
    }
    if (call.slopes() != 0) {
      float slope = Lanes.get(call.slopes() + (long) head * Float.BYTES);
      AttentionTiles.addSlope(begin, slope, start + firstGroup * Lanes.COUNT - at, groups);
    }
    fill(row, firstGroup * Lanes.COUNT, from, Float.NEGATIVE_INFINITY);
    fill(row, to, endGroup * Lanes.COUNT, Float.NEGATIVE_INFINITY);
    float max = RowSums.max(begin, groups * Lanes.COUNT);
    Softmax.exponentials(begin, max, begin, groups);
    setState(state, max, (float) RowSums.sum(row, endGroup * Lanes.COUNT));
  }

  private static void fill(long row, int from, int to, float value) {
    for (int i = from; i < to; i++) {
      Lanes.set(row + (long) i * Float.BYTES, value);
    }
  }

  /** Writes the addresses of key groups and value rows, copying them to f32 first if need be. */
  private void locate(
      int token, int keyHead, int start, int from, int to, long keys, long values, long staged) {
    int[] pages = call.pages(token, start + to - 1);
    int pageTokens = cache.pageTokens();
    for (int g = from / Lanes.COUNT; g * Lanes.COUNT < to; g++) {
      long copy = staged + (long) g * keyDim * Lanes.BYTES;
      int at = start + g * Lanes.COUNT;
      Lanes.setLong(
          keys + 8L * g,
          cache.wholeGroups()
              ? keyGroup(pages[at / pageTokens], keyHead, at % pageTokens, copy)
              : gathered(pages, keyHead, at, Math.min(Lanes.COUNT, start + to - at), copy));
    }
    long copies = staged + (long) CHUNK * keyDim * Float.BYTES;
    int width = cache.valueStride();
    for (int p = from; p < to; p++) {
      int at = start + p;
      long value = cache.value(pages[at / pageTokens], keyHead, at % pageTokens);
      if (cache.kind().format() != FloatFormat.F32) {
        long copy = copies + (long) p * width * Float.BYTES;
        Packing.row(value, cache.kind().format(), width, copy);
        value = copy;
      }
      Lanes.setLong(values + 8L * p, value);
    }
  }

  private long keyGroup(int page, int keyHead, int slot, long copy) {
    long address = cache.keyGroup(page, keyHead, slot);
    if (inPlace) {
      return address;
    }
    Packing.row(address, cache.kind().format(), keyDim * Lanes.COUNT, copy);
    return copy;
  }

  /** A group put together from pages that it straddles. */
  private long gathered(int[] pages, int keyHead, int at, int count, long copy) {
    int pageTokens = cache.pageTokens();
    for (int lane = 0; lane < Lanes.COUNT; lane++) {
      int position = at + Math.min(lane, count - 1);
      int page = pages[position / pageTokens];
      // A page before the window may be gone; its scores are not used.
      boolean there = page >= 0;
      for (int d = 0; d < keyDim; d++) {
        float key = there ? cache.key(page, keyHead, position % pageTokens, d) : 0f;
        Lanes.set(copy + ((long) d * Lanes.COUNT + lane) * Float.BYTES, key);
      }
    }
    return copy;
  }

  @Override
  public void merge(long states, long next, int tokens) {
    for (int r = 0; r < tokens * group; r++) {
      long state = states + r * rowBytes();
      long other = next + r * rowBytes();
      float max = max(state);
      float otherMax = max(other);
      if (otherMax == Float.NEGATIVE_INFINITY) {
        continue;
      }
      if (max == Float.NEGATIVE_INFINITY) {
        Packing.row(other, FloatFormat.F32, (valueVectors + 1) * Lanes.COUNT, state);
        continue;
      }
      float larger = Math.max(max, otherMax);
      float kept = VectorMath.exp(max - larger);
      float added = VectorMath.exp(otherMax - larger);
      AttentionTiles.blend(state, kept, other, added, valueVectors);
      setState(state, larger, sum(state) * kept + sum(other) * added);
    }
  }

  @Override
  public void finish(int first, int end, int keyHead, long states) {
    for (int r = 0; r < (end - first) * group; r++) {
      long state = states + r * rowBytes();
      float factor = 1f;
      float total = sum(state);
      if (call.sinks() != 0) {
        // The sink is one more score that has no value: it only takes weight away.
        float sink = Lanes.get(call.sinks() + (long) (keyHead * group + r % group) * Float.BYTES);
        float larger = Math.max(max(state), sink);
        factor = VectorMath.exp(max(state) - larger);
        total = total * factor + VectorMath.exp(sink - larger);
      }
      AttentionTiles.scale(state, factor / total, valueVectors);
      int width = cache.kind().valueDim();
      long target = call.out() + query(first, keyHead, r) * width * Float.BYTES;
      Packing.row(state, FloatFormat.F32, width, target);
    }
  }

  private void empty(long state) {
    fill(state, 0, valueVectors * Lanes.COUNT, 0f);
    setState(state, Float.NEGATIVE_INFINITY, 0f);
  }

  private void setState(long state, float max, float sum) {
    long at = state + (long) valueVectors * Lanes.BYTES;
    Lanes.set(at, max);
    Lanes.set(at + Float.BYTES, sum);
  }

  private float max(long state) {
    return Lanes.get(state + (long) valueVectors * Lanes.BYTES);
  }

  private float sum(long state) {
    return Lanes.get(state + (long) valueVectors * Lanes.BYTES + Float.BYTES);
  }
}
