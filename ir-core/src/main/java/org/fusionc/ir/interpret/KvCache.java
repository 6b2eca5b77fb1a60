package org.fusionc.ir.interpret;

import java.util.Arrays;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.jspecify.annotations.Nullable;

/**
 * The state of one layer's KV cache: pages of a fixed number of positions. Position p of a sequence
 * lies in its page p / pageTokens at p % pageTokens; one that was never written holds zeros.
 * Immutable: {@link #append} gives the next state, sharing the pages that it does not write.
 */
public final class KvCache implements Datum {
  /** Keys as [position, head, key dim] and values as [position, head, value dim]. */
  private record Page(double[] keys, double[] values) {
    Page copy() {
      return new Page(keys.clone(), values.clone());
    }
  }

  private final Type.Kv type;
  private final int pageTokens;
  private final @Nullable Page[] pages;

  private KvCache(Type.Kv type, int pageTokens, @Nullable Page[] pages) {
    this.type = type;
    this.pageTokens = pageTokens;
    this.pages = pages;
  }

  /** An empty cache of {@code pages} pages of {@code pageTokens} positions each. */
  public static KvCache empty(Type.Kv type, int pageTokens, int pages) {
    if (!(type.dtype() instanceof Scalar scalar) || scalar.kind() != Scalar.Kind.FLOAT) {
      throw new Problem(
          "the interpreter holds no " + type, "use a floating dtype for the KV cache");
    }
    return new KvCache(type, pageTokens, new @Nullable Page[pages]);
  }

  public Type.Kv type() {
    return type;
  }

  int heads() {
    return (int) type.heads();
  }

  int keyDim() {
    return (int) type.keyDim();
  }

  int valueDim() {
    return (int) type.valueDim();
  }

  /** The state with k [T, H, DK] and v [T, H, DV] written at the tokens' places, rounded. */
  KvCache append(Array k, Array v, Batch at) {
    var next = pages.clone();
    var written = new boolean[pages.length];
    for (int t = 0; t < at.tokens(); t++) {
      int id = page(at, at.sequence()[t], at.position()[t]);
      var page = next[id];
      if (page == null) {
        page =
            new Page(
                new double[pageTokens * heads() * keyDim()],
                new double[pageTokens * heads() * valueDim()]);
      } else if (!written[id]) {
        page = page.copy();
      }
      next[id] = page;
      written[id] = true;
      int slot = at.position()[t] % pageTokens;
      write(k, t, page.keys, slot, heads() * keyDim());
      write(v, t, page.values, slot, heads() * valueDim());
    }
    return new KvCache(type, pageTokens, next);
  }

  private void write(Array from, int t, double[] to, int slot, int width) {
    for (int i = 0; i < width; i++) {
      to[slot * width + i] = Elements.round((Scalar) type.dtype(), from.real(t * width + i));
    }
  }

  /** The key of one head at a position of a sequence, times a query. */
  double dotKey(Batch at, int sequence, int position, int head, double[] query) {
    var page = pages[page(at, sequence, position)];
    double sum = 0;
    int from = (position % pageTokens * heads() + head) * keyDim();
    for (int d = 0; d < query.length; d++) {
      sum += (page == null ? 0 : page.keys[from + d]) * query[d];
    }
    return sum;
  }

  /** Adds the value of one head at a position of a sequence, times a factor, to {@code sum}. */
  void addValue(Batch at, int sequence, int position, int head, double factor, double[] sum) {
    var page = pages[page(at, sequence, position)];
    int from = (position % pageTokens * heads() + head) * valueDim();
    for (int d = 0; d < sum.length; d++) {
      sum[d] += factor * (page == null ? 0 : page.values[from + d]);
    }
  }

  /** The keys of all heads at a position of a sequence. */
  double[] keys(Batch at, int sequence, int position) {
    var page = pages[page(at, sequence, position)];
    int width = heads() * keyDim();
    int from = position % pageTokens * width;
    return page == null ? new double[width] : Arrays.copyOfRange(page.keys, from, from + width);
  }

  /** The values of all heads at a position of a sequence. */
  double[] values(Batch at, int sequence, int position) {
    var page = pages[page(at, sequence, position)];
    int width = heads() * valueDim();
    int from = position % pageTokens * width;
    return page == null ? new double[width] : Arrays.copyOfRange(page.values, from, from + width);
  }

  private int page(Batch at, int sequence, int position) {
    if (sequence < 0 || sequence >= at.pages().size()) {
      throw new Problem(
          "sequence %d is none of the batch's %d".formatted(sequence, at.pages().size()), "");
    }
    var table = at.pages().get(sequence);
    int i = position / pageTokens;
    if (position < 0 || i >= table.length) {
      throw new Problem(
          "position %d of sequence %d is outside its %d pages of %d positions"
              .formatted(position, sequence, table.length, pageTokens),
          "give the sequence more pages");
    }
    if (table[i] < 0 || table[i] >= pages.length) {
      throw new Problem(
          "page %d is none of the cache's %d".formatted(table[i], pages.length),
          "compile with more pages");
    }
    return table[i];
  }

  /** Bytes held. */
  @Override
  public long bytes() {
    return Arrays.stream(pages)
        .mapToLong(p -> p == null ? 0 : (long) (p.keys.length + p.values.length) * Double.BYTES)
        .sum();
  }
}
