package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;

/**
 * The paged KV cache of one layer: pages of a fixed number of tokens, handed out by number to
 * whatever sequence needs them. Memory is taken when a page is first written.
 *
 * <p>Within a page and head, keys lie transposed, in groups of as many tokens as a vector has
 * lanes: element {@code d} of all tokens of a group is one vector, so scores need no horizontal
 * sums. Values lie row by row, padded to whole groups.
 *
 * <p>Appending and attending may not overlap; one thread drives a layer at a time.
 */
public final class KvPages implements AutoCloseable {

  /**
   * What the caches of a program's layers have in common.
   *
   * @param heads key and value heads
   * @param keyDim elements of a key
   * @param valueDim elements of a value
   * @param format F32 or F16
   */
  public record Kind(int heads, int keyDim, int valueDim, FloatFormat format) {
    public Kind {
      if (heads < 1 || keyDim < 1 || valueDim < 1) {
        throw new IllegalArgumentException("a KV cache needs sizes of at least 1");
      }
      if (format == FloatFormat.BF16) {
        throw new IllegalArgumentException("a KV cache is kept in F32 or F16, not BF16");
      }
    }
  }

  private final int pageTokens;
  private final Kind kind;
  private final int group;
  private final long[] addresses;
  private final Arena arena = Arena.ofShared();
  private final PageMemory memory;
  private long allocatedPages;

  /**
   * For the kernels of this package.
   *
   * @param pages how many pages there may be; page numbers are below it
   * @param pageTokens tokens per page; whole vectors of lanes (16) are fastest
   */
  public KvPages(int pages, int pageTokens, Kind kind) {
    this(pages, pageTokens, kind, Lanes.COUNT);
  }

  /**
   * With groups of another size, for kernels that are not those of this package.
   *
   * @param group positions whose keys lie transposed together
   */
  public KvPages(int pages, int pageTokens, Kind kind, int group) {
    if (pages < 0 || pageTokens < 1) {
      throw new IllegalArgumentException("a KV cache needs sizes of at least 1");
    }
    this.pageTokens = pageTokens;
    this.kind = kind;
    this.group = group;
    addresses = new long[pages];
    memory = new PageMemory(arena, pages * pageBytes());
  }

  public int pageTokens() {
    return pageTokens;
  }

  public Kind kind() {
    return kind;
  }

  /** Bytes taken so far. */
  public long bytes() {
    return allocatedPages * pageBytes();
  }

  /** Appends, as a {@link CacheWriter} does; for caches of the kernels of this package. */
  public void append(ComputePool pool, MemorySegment k, MemorySegment v, Batch batch) {
    int tokens = batch.tokens();
    int[] position = batch.position();
    int heads = kind.heads;
    int keyDim = kind.keyDim;
    int valueDim = kind.valueDim;
    long keys = Operand.input("k", k, (long) tokens * heads * keyDim);
    long values = Operand.input("v", v, (long) tokens * heads * valueDim);
    ensure(batch);
    pool.parallelFor(
        tokens,
        Math.max(1, 4096 / (heads * (keyDim + valueDim))),
        (from, to) -> {
          for (int t = (int) from; t < to; t++) {
            int page = page(batch, t);
            int slot = position[t] % pageTokens;
            for (int h = 0; h < heads; h++) {
              long row = (long) t * heads + h;
              writeKey(keys + row * keyDim * Float.BYTES, page, slot, h);
              writeValue(values + row * valueDim * Float.BYTES, page, slot, h);
            }
          }
        });
  }

  /** Frees the memory. */
  @Override
  public void close() {
    arena.close();
  }

  /**
   * Takes memory for the pages of a batch's tokens where they have none.
   *
   * @throws IllegalArgumentException if there is no such page
   */
  public void ensure(Batch batch) {
    for (int t = 0; t < batch.tokens(); t++) {
      ensure(page(batch, t));
    }
  }

  /** The page that holds a token. */
  public int page(Batch batch, int token) {
    return batch.pages().get(batch.sequence()[token])[batch.position()[token] / pageTokens];
  }

  private void ensure(int page) {
    if (page < 0 || page >= addresses.length) {
      throw new IllegalArgumentException(
          "page " + page + " of a KV cache of " + addresses.length + " pages");
    }
    if (addresses[page] == 0) {
      addresses[page] = memory.take(pageBytes());
      allocatedPages++;
    }
  }

  /** The address of a page that holds something. */
  private long written(int page) {
    if (page < 0 || page >= addresses.length || addresses[page] == 0) {
      throw new IllegalArgumentException("attention to page " + page + ", which was never written");
    }
    return addresses[page];
  }

  private void writeKey(long from, int page, int slot, int head) {
    long to = addresses[page] + keyOffset(head, slot);
    int step = group * kind.format.bytes();
    if (kind.format == FloatFormat.F32) {
      for (int d = 0; d < kind.keyDim; d++) {
        Lanes.set(to + (long) d * step, Lanes.get(from + (long) d * Float.BYTES));
      }
    } else {
      for (int d = 0; d < kind.keyDim; d++) {
        Lanes.setF16(to + (long) d * step, Lanes.get(from + (long) d * Float.BYTES));
      }
    }
  }

  private void writeValue(long from, int page, int slot, int head) {
    long to = addresses[page] + valueOffset(head, slot);
    if (kind.format == FloatFormat.F32) {
      Packing.row(from, FloatFormat.F32, kind.valueDim, to);
    } else {
      for (int d = 0; d < kind.valueDim; d++) {
        Lanes.setF16(to + (long) d * Short.BYTES, Lanes.get(from + (long) d * Float.BYTES));
      }
    }
  }

  /** Whether groups never straddle pages, so keys can be used where they lie. */
  public boolean wholeGroups() {
    return pageTokens % group == 0;
  }

  /**
   * The address of a slot's key: the first element's place in its group's keys [kind.keyDim,
   * group], in the cache's kind.format.
   *
   * @throws IllegalArgumentException if nothing was ever written to the page
   */
  public long keyGroup(int page, int head, int slot) {
    return written(page) + keyOffset(head, slot);
  }

  /** The address of a value row [valueStride] in the cache's kind.format. */
  public long value(int page, int head, int slot) {
    return written(page) + valueOffset(head, slot);
  }

  /** One element of a key. */
  public float key(int page, int head, int slot, int d) {
    long at = written(page) + keyOffset(head, slot);
    return Lanes.get(at, kind.format, (long) d * group);
  }

  /**
   * Copies a key as it is kept to a column of a group elsewhere.
   *
   * @param column where the first element goes
   */
  public void copyKey(int page, int head, int slot, long column) {
    long from = keyGroup(page, head, slot);
    int step = group * kind.format.bytes();
    for (int d = 0; d < kind.keyDim; d++) {
      long at = (long) d * step;
      if (kind.format == FloatFormat.F32) {
        Lanes.set(column + at, Lanes.get(from + at));
      } else {
        Lanes.setShort(column + at, Lanes.getShort(from + at));
      }
    }
  }

  /** Copies a value as it is kept, padding and all. */
  public void copyValue(int page, int head, int slot, long to) {
    long bytes = (long) valueStride() * kind.format.bytes();
    MemorySegment.copy(Lanes.ALL, value(page, head, slot), Lanes.ALL, to, bytes);
  }

  /** Elements from one value row to the next. */
  public int valueStride() {
    return roundUp(kind.valueDim);
  }

  private long keyOffset(int head, int slot) {
    long groups = roundUp(pageTokens) / group;
    long before = head * groups + slot / group;
    return (before * kind.keyDim * group + slot % group) * kind.format.bytes();
  }

  private long valueOffset(int head, int slot) {
    return keyBytes() + ((long) head * pageTokens + slot) * valueStride() * kind.format.bytes();
  }

  /** Bytes from one head's keys to the next one's, in a page. */
  public long keyHeadBytes() {
    return (long) roundUp(pageTokens) * kind.keyDim * kind.format.bytes();
  }

  /** Bytes from one head's values to the next one's, in a page. */
  public long valueHeadBytes() {
    return (long) pageTokens * valueStride() * kind.format.bytes();
  }

  private int roundUp(int size) {
    return Math.ceilDiv(size, group) * group;
  }

  private long keyBytes() {
    return kind.heads * keyHeadBytes();
  }

  private long pageBytes() {
    return keyBytes() + kind.heads * valueHeadBytes();
  }
}
