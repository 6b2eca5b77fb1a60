package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * The KV cache of one layer, in pages (Kwon et al. 2023, arXiv:2309.06180). Within a page each head
 * has its rows together: keys as {@code [page, head, slot, keyDim]}, values likewise.
 */
public final class KvPages implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment keys;
  private final MemorySegment values;
  private final int pages;
  private final int pageTokens;
  private final int heads;
  private final int keyDim;
  private final int valueDim;
  private final FloatFormat format;

  /**
   * @param pageTokens positions per page
   * @param format F32 or F16
   */
  public KvPages(
      int pages, int pageTokens, int heads, int keyDim, int valueDim, FloatFormat format) {
    if (format == FloatFormat.BF16) {
      throw new IllegalArgumentException("a KV cache is kept as f32 or f16");
    }
    this.pages = pages;
    this.pageTokens = pageTokens;
    this.heads = heads;
    this.keyDim = keyDim;
    this.valueDim = valueDim;
    this.format = format;
    long rows = (long) pages * heads * pageTokens;
    keys = arena.allocate(rows * keyDim * format.bytes(), 64);
    values = arena.allocate(rows * valueDim * format.bytes(), 64);
  }

  public int pageTokens() {
    return pageTokens;
  }

  public int heads() {
    return heads;
  }

  public int keyDim() {
    return keyDim;
  }

  public int valueDim() {
    return valueDim;
  }

  FloatFormat format() {
    return format;
  }

  public long bytes() {
    return keys.byteSize() + values.byteSize();
  }

  /** The address of a head's keys in a page; the row of slot s is s · keyDim elements on. */
  long keys(int page, int head) {
    check(page);
    return keys.address() + ((long) page * heads + head) * pageTokens * keyDim * format.bytes();
  }

  long values(int page, int head) {
    check(page);
    return values.address() + ((long) page * heads + head) * pageTokens * valueDim * format.bytes();
  }

  private void check(int page) {
    if (page < 0 || page >= pages) {
      throw new IllegalArgumentException("page " + page + " of " + pages);
    }
  }

  /**
   * Writes the tokens' keys and values at their places.
   *
   * @param k f32 [tokens, heads, keyDim]
   * @param v f32 [tokens, heads, valueDim]
   * @param sequence per token the row in {@code table}
   * @param position per token its position
   * @param table per sequence its pages, in order
   */
  public void append(
      ComputePool pool,
      MemorySegment k,
      MemorySegment v,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    int tokens = sequence.length;
    long kAddress = Operand.input("k", k, (long) tokens * heads * keyDim);
    long vAddress = Operand.input("v", v, (long) tokens * heads * valueDim);
    pool.parallelFor(
        tokens,
        16,
        (from, to) -> {
          for (int t = (int) from; t < to; t++) {
            int page = table.get(sequence[t])[position[t] / pageTokens];
            int slot = position[t] % pageTokens;
            for (int h = 0; h < heads; h++) {
              long row = (long) t * heads + h;
              store(kAddress + row * keyDim * 4, keys(page, h), slot, keyDim);
              store(vAddress + row * valueDim * 4, values(page, h), slot, valueDim);
            }
          }
        });
  }

  private void store(long source, long rows, int slot, int width) {
    long target = rows + (long) slot * width * format.bytes();
    if (format == FloatFormat.F32) {
      MemorySegment.copy(Lanes.ALL, source, Lanes.ALL, target, (long) width * 4);
    } else {
      for (int i = 0; i < width; i++) {
        Lanes.setF16(target + 2L * i, Lanes.get(source + 4L * i));
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
