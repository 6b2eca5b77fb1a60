package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Attention;
import org.fusionc.ir.op.KvAppend;
import org.fusionc.ir.op.Rope;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fuse-rope}: attention(rope(q, f, at), kv, at) → rope_attention(q, kv, f, at);
 * kv_append(kv, rope(k, f, at), v, at) → rope_kv_append(kv, k, v, f, at). The rotated queries and
 * keys are never written to memory.
 */
public final class FuseRope extends RewritePass {
  public FuseRope() {
    super("fuse-rope", "Rotate queries in attention and keys on their way into the cache.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(
        new Rule("fuse-rope-attention", FuseRope::intoAttention),
        new Rule("fuse-rope-kv-append", FuseRope::intoAppend));
  }

  private static @Nullable Value intoAttention(Op op, Rewriting b) {
    if (!(op instanceof Attention attention && attention.q() instanceof Rope rope)) {
      return null;
    }
    var obstacle = obstacle(rope, attention.at(), b);
    return obstacle != null
        ? b.nearly(op, obstacle)
        : b.ropeAttention(
            rope.x(),
            attention.kv(),
            rope.freqs(),
            rope.at(),
            attention.slopes(),
            attention.sinks(),
            rope.interleaved(),
            rope.scale(),
            attention.scale(),
            attention.window(),
            attention.softcap());
  }

  private static @Nullable Value intoAppend(Op op, Rewriting b) {
    if (!(op instanceof KvAppend append && append.k() instanceof Rope rope)) {
      return null;
    }
    var obstacle = obstacle(rope, append.at(), b);
    return obstacle != null
        ? b.nearly(op, obstacle)
        : b.ropeKvAppend(
            append.kv(),
            rope.x(),
            append.v(),
            rope.freqs(),
            rope.at(),
            rope.interleaved(),
            rope.scale());
  }

  private static @Nullable String obstacle(Rope rope, Value at, Rewriting b) {
    if (!rope.at().equals(at)) {
      return "the rotation goes by other positions, %s".formatted(b.nameOf(rope.at()));
    }
    return b.isUsedOnce(rope)
        ? null
        : "the rotated value %s has %d uses".formatted(b.nameOf(rope), b.uses(rope));
  }
}
