package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import org.fusionc.ir.Value;

/**
 * Multi-head latent attention (DeepSeek-AI 2024, arXiv:2405.04434): keys and values of all heads
 * come from one short vector per token, queries likewise, and one rotated part of the key is shared
 * by all heads. Written out in full: the cache holds each head's key and value.
 */
final class LatentProjections {
  private final Emitter e;
  private final Rotary rotary;

  LatentProjections(Emitter e, Rotary rotary) {
    this.e = e;
    this.rotary = rotary;
  }

  SelfAttention.Heads of(Value x, int layer) {
    var f = e.features;
    long hidden = f.count("hidden");
    int heads = f.count("heads");
    int nope = f.count("latent.nope_dim");
    int rope = f.count("latent.rope_dim");
    int value = f.count("latent.value_dim");
    int rank = f.count("latent.kv_rank");
    boolean bias = f.flag("attn.bias", layer);

    var q = e.reshaped(queries(x, layer, hidden, (long) heads * (nope + rope)), heads, nope + rope);
    var qRotated = rotary.of(e.slice(q, 2, nope, nope + rope), rope, layer);
    var qHeads = e.ops.concat(List.of(e.slice(q, 2, 0, nope), qRotated), 2);

    var down = e.linear(x, "attn.kv_down", layer, hidden, rank + rope, bias);
    e.named(down, "attn.kv_down", layer);
    var latent = norm(e.slice(down, 1, 0, rank), "attn.kv_down_norm", layer, rank);
    var shared = e.reshaped(e.slice(down, 1, rank, rank + rope), 1, rope);
    var kRotated = e.ops.broadcastTo(rotary.of(shared, rope, layer), Emitter.perToken(heads, rope));
    var up =
        e.reshaped(
            e.linear(latent, "attn.kv_up", layer, rank, (long) heads * (nope + value), false),
            heads,
            nope + value);
    var kHeads = e.ops.concat(List.of(e.slice(up, 2, 0, nope), kRotated), 2);
    return new SelfAttention.Heads(
        e.named(qHeads, "attn.q_heads", layer),
        e.named(kHeads, "attn.k_heads", layer),
        e.named(e.slice(up, 2, nope, nope + value), "attn.v", layer));
  }

  private Value queries(Value x, int layer, long hidden, long width) {
    if (!e.features.has("latent.q_rank", layer)) {
      return e.named(e.linear(x, "attn.q", layer, hidden, width, false), "attn.q", layer);
    }
    long rank = e.features.count("latent.q_rank", layer);
    boolean bias = e.features.flag("attn.bias", layer);
    var down = e.linear(x, "attn.q_down", layer, hidden, rank, bias);
    e.named(down, "attn.q_down", layer);
    var normed = norm(down, "attn.q_down_norm", layer, rank);
    return e.named(e.linear(normed, "attn.q_up", layer, rank, width, false), "attn.q", layer);
  }

  private Value norm(Value x, String weight, int layer, long size) {
    var normed =
        e.norm(
            Emitter.NormKind.RMS,
            x,
            weight,
            layer,
            size,
            e.features.number("latent.norm_eps"),
            false);
    return e.named(normed, weight, layer);
  }
}
