package org.fusionc.backend.cpu.jit;

import java.util.List;
import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.AttentionContract;
import org.fusionc.backend.cpu.kernel.CacheReader;
import org.fusionc.backend.cpu.kernel.CacheWriter;
import org.fusionc.backend.cpu.kernel.KvPages;

/** Attention in machine code, in every target. */
class PagedAttentionTest extends AttentionContract {
  private record Coded(Target target) implements Kernels {
    @Override
    public KvPages cache(int pages, int pageTokens, KvPages.Kind kind) {
      return PagedAttention.cache(pages, pageTokens, kind);
    }

    @Override
    public CacheWriter writer(KvPages.Kind kind) {
      return new KvAppend(target, kind, null);
    }

    @Override
    public CacheReader reader(
        KvPages.Kind kind, Attention.Shape shape, boolean sloped, boolean sunk) {
      return new PagedAttention(target, kind, shape, null, sloped, sunk);
    }
  }

  @Override
  protected List<Coded> kernels() {
    return Targets.here().stream().map(Coded::new).toList();
  }
}
