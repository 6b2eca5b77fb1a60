package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Value;

/**
 * Multi-head latent attention (DeepSeek-AI 2024, arXiv:2405.04434): keys and values of all heads
 * are made from one short vector per token, queries likewise, and one rotated part of the key is
 * shared by all heads.
 *
 * <p>The cache holds the short vector and the shared part, once for all heads, which is what makes
 * it small: {@code q · (K c) = (Kᵀ q) · c}, so each head's key matrix is applied to its query, and
 * its value matrix to what comes out of attention.
 */
final class LatentProjections {
  private final Emitter e;
  private final Rotary rotary;

  LatentProjections(Emitter e, Rotary rotary) {
    this.e = e;
    this.rotary = rotary;
  }

  /**
   * Queries {@code [T, H, rank + rope]}, the key {@code [T, 1, rank + rope]}, the value its start.
   */
  SelfAttention.Heads of(Value x, int layer) {
    var f = e.features;
    long hidden = f.count("hidden");
    int heads = f.count("heads");
    int nope = f.count("latent.nope_dim");
    int rope = f.count("latent.rope_dim");
    int rank = f.count("latent.kv_rank");

    var q = e.reshaped(queries(x, layer, hidden, (long) heads * (nope + rope)), heads, nope + rope);
    var turned = perHead(e.slice(q, 2, 0, nope), keyMatrices(layer));
    var qRotated = rotary.of(e.slice(q, 2, nope, nope + rope), rope, layer);

    var down = e.linear(x, "attn.kv_down", layer, hidden, rank + rope, f.flag("attn.bias", layer));
    e.named(down, "attn.kv_down", layer);
    var latent = norm(e.slice(down, 1, 0, rank), "attn.kv_down_norm", layer, rank);
    var value = e.reshaped(latent, 1, rank);
    var shared = e.reshaped(e.slice(down, 1, rank, rank + rope), 1, rope);
    var key = e.ops.concat(List.of(value, rotary.of(shared, rope, layer)), 2);
    return new SelfAttention.Heads(
        e.named(e.ops.concat(List.of(turned, qRotated), 2), "attn.q_heads", layer),
        e.named(key, "attn.k_heads", layer),
        e.named(value, "attn.v", layer));
  }

  /** What attention gives, {@code [T, H, rank]}, as values {@code [T, H, value_dim]}. */
  Value values(Value attended, int layer) {
    long nope = e.features.count("latent.nope_dim");
    long value = e.features.count("latent.value_dim");
    var matrices = e.slice(matrices(layer), 1, nope, nope + value);
    return perHead(attended, e.ops.transpose(matrices, List.of(0L, 2L, 1L)));
  }

  /** {@code [T, H, A]} by one matrix {@code [A, B]} per head: {@code [T, H, B]}. */
  private Value perHead(Value x, Value matrices) {
    var byHead = List.of(1L, 0L, 2L);
    return e.ops.transpose(e.ops.matmul(e.ops.transpose(x, byHead), matrices), byHead);
  }

  private Value keyMatrices(int layer) {
    return e.slice(matrices(layer), 1, 0, e.features.count("latent.nope_dim"));
  }

  /** Each head's key matrix above its value matrix: {@code [H, nope_dim + value_dim, rank]}. */
  private Value matrices(int layer) {
    long heads = e.features.count("heads");
    long rows = (long) e.features.count("latent.nope_dim") + e.features.count("latent.value_dim");
    long rank = e.features.count("latent.kv_rank");
    var stored = e.weights.get("attn.kv_up", layer, RandomTensor.Fill.NORMAL, heads * rows, rank);
    return e.ops.reshape(e.asF32(stored), Emitter.f32(Dim.of(heads), Dim.of(rows), Dim.of(rank)));
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
