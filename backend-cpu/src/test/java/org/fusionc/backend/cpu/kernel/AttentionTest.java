package org.fusionc.backend.cpu.kernel;

import java.util.List;

/** The portable attention. */
class AttentionTest extends AttentionContract {
  private record Portable() implements Kernels {
    @Override
    public KvPages cache(int pages, int pageTokens, KvPages.Kind kind) {
      return new KvPages(pages, pageTokens, kind);
    }

    @Override
    public CacheWriter writer(KvPages.Kind kind) {
      return (pool, cache, k, v, batch) -> cache.append(pool, k, v, batch);
    }

    @Override
    public CacheReader reader(
        KvPages.Kind kind, Attention.Shape shape, boolean sloped, boolean sunk) {
      return new Attention(shape);
    }
  }

  @Override
  protected List<Portable> kernels() {
    return List.of(new Portable());
  }
}
