package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.Map;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** The first half of a layer. */
final class SelfAttention {
  /** How queries, keys and values are stored. */
  private enum Fused {
    NONE,
    CONCATENATED,
    GROUPED
  }

  /** How queries and keys are normalised. */
  private enum QkNorm {
    NONE,
    HEAD,
    HEADS,
    WHOLE
  }

  /** A layer's output and its cache with the new tokens in it. */
  record Output(Value value, Value cache) {}

  /** One layer's queries {@code [T, H, DK]}, keys and values. */
  record Heads(Value q, Value k, Value v) {}

  private final Emitter e;
  private final Rotary rotary;
  private final LatentProjections latent;
  private final int hidden;
  private final int heads;
  private final int kvHeads;
  private final int headDim;
  private final int valueDim;
  private final boolean isLatent;

  SelfAttention(Emitter e) {
    this.e = e;
    this.rotary = new Rotary(e);
    var features = e.features;
    hidden = features.count("hidden");
    heads = features.count("heads");
    kvHeads = features.count("kv_heads");
    headDim = features.count("head_dim");
    isLatent =
        features.choice("attn.kind", Evaluator.NO_LAYER, Map.of("heads", false, "latent", true));
    valueDim = isLatent ? features.count("latent.value_dim") : headDim;
    latent = new LatentProjections(e, rotary);
    if (heads % kvHeads != 0) {
      throw features.invalid(
          "kv_heads", Evaluator.NO_LAYER, "does not divide the number of heads (" + heads + ")");
    }
  }

  Type.Kv cacheType(DType dtype) {
    if (isLatent) {
      int rank = e.features.count("latent.kv_rank");
      return new Type.Kv(1, rank + e.features.count("latent.rope_dim"), rank, dtype);
    }
    return new Type.Kv(kvHeads, headDim, headDim, dtype);
  }

  Output of(Value x, Value cache, int layer) {
    var projected = isLatent ? latent.of(x, layer) : heads(x, layer);
    var appended = e.ops.kvAppend(cache, projected.k(), projected.v(), e.at);
    e.ops.name(appended, "kv." + layer + ".next");
    var sinks =
        e.weights.has("attn.sinks", layer)
            ? e.weights.get("attn.sinks", layer, RandomTensor.Fill.ZEROS, heads)
            : null;
    var attended =
        e.ops.attention(
            projected.q(),
            appended,
            e.at,
            slopes(layer),
            sinks,
            e.features.number("attn.scale", layer) * rotary.softmaxScale(layer),
            e.features.has("attn.window", layer) ? e.features.count("attn.window", layer) : 0,
            e.features.has("attn.softcap", layer) ? e.features.number("attn.softcap", layer) : 0);
    var values = isLatent ? latent.values(attended, layer) : attended;
    e.named(values, "attn.heads", layer);
    long width = (long) heads * valueDim;
    var out =
        e.linear(
            e.reshaped(values, width),
            "attn.out",
            layer,
            width,
            hidden,
            e.features.flag("attn.out_bias", layer));
    return new Output(e.named(out, "attn.out", layer), appended);
  }

  private @Nullable Value slopes(int layer) {
    var alibi =
        e.features.choice(
            "attn.alibi",
            layer,
            Map.of("none", Alibi.NONE, "geometric", Alibi.GEOMETRIC, "mosaic", Alibi.MOSAIC));
    if (alibi == Alibi.NONE) {
      return null;
    }
    double scale = e.features.number("attn.alibi_scale", layer);
    var slopes = alibi.slopes(heads).stream().map(slope -> (Number) (slope * scale)).toList();
    return e.ops.name(e.ops.constant(new Literal(slopes), Emitter.f32(Dim.of(heads))), "alibi");
  }

  private Heads heads(Value x, int layer) {
    boolean bias = e.features.flag("attn.bias", layer);
    var fused =
        e.features.choice(
            "attn.fused",
            layer,
            Map.of(
                "none", Fused.NONE,
                "concatenated", Fused.CONCATENATED,
                "grouped", Fused.GROUPED));
    long qWidth = (long) heads * headDim;
    long kvWidth = (long) kvHeads * headDim;
    var raw =
        switch (fused) {
          case NONE ->
              new Heads(
                  clipped(e.linear(x, "attn.q", layer, hidden, qWidth, bias), layer),
                  clipped(e.linear(x, "attn.k", layer, hidden, kvWidth, bias), layer),
                  clipped(e.linear(x, "attn.v", layer, hidden, kvWidth, bias), layer));
          case CONCATENATED -> {
            var all = fused(x, layer, qWidth + 2 * kvWidth, bias);
            yield new Heads(
                e.slice(all, 1, 0, qWidth),
                e.slice(all, 1, qWidth, qWidth + kvWidth),
                e.slice(all, 1, qWidth + kvWidth, qWidth + 2 * kvWidth));
          }
          case GROUPED -> grouped(fused(x, layer, qWidth + 2 * kvWidth, bias));
        };
    e.named(raw.q(), "attn.q", layer);
    e.named(raw.k(), "attn.k", layer);
    e.named(raw.v(), "attn.v", layer);
    var norm =
        e.features.choice(
            "attn.qk_norm",
            layer,
            Map.of(
                "none", QkNorm.NONE,
                "head", QkNorm.HEAD,
                "heads", QkNorm.HEADS,
                "whole", QkNorm.WHOLE));
    var q = shapedAndNormed(raw.q(), "attn.q_norm", norm, heads, layer);
    var k = shapedAndNormed(raw.k(), "attn.k_norm", norm, kvHeads, layer);
    return new Heads(
        e.named(rotary.of(q, headDim, layer), "attn.q_heads", layer),
        e.named(rotary.of(k, headDim, layer), "attn.k_heads", layer),
        e.reshaped(raw.v(), kvHeads, headDim));
  }

  private Value fused(Value x, int layer, long width, boolean bias) {
    var all = e.linear(x, "attn.qkv", layer, hidden, width, bias);
    return clipped(e.named(all, "attn.qkv", layer), layer);
  }

  /** Each key head's queries, then its key, then its value. */
  private Heads grouped(Value all) {
    long queries = heads / kvHeads;
    var groups = e.reshaped(all, kvHeads, queries + 2, headDim);
    return new Heads(
        e.reshaped(e.slice(groups, 2, 0, queries), (long) heads * headDim),
        e.reshaped(e.slice(groups, 2, queries, queries + 1), (long) kvHeads * headDim),
        e.reshaped(e.slice(groups, 2, queries + 1, queries + 2), (long) kvHeads * headDim));
  }

  private Value clipped(Value x, int layer) {
    if (!e.features.has("attn.clip", layer)) {
      return x;
    }
    double limit = e.features.number("attn.clip", layer);
    return e.ops.clip(x, -limit, limit);
  }

  private Value shapedAndNormed(Value x, String weight, QkNorm norm, int count, int layer) {
    if (norm == QkNorm.NONE) {
      return e.reshaped(x, count, headDim);
    }
    var kind = e.normKind("attn.qk_norm_kind");
    double eps = e.features.number("norm.eps");
    boolean bias = e.features.flag("attn.qk_norm_bias");
    return switch (norm) {
      case NONE -> throw new IllegalStateException("handled above");
      case WHOLE ->
          e.reshaped(
              e.norm(kind, x, weight, layer, (long) count * headDim, eps, bias), count, headDim);
      case HEAD -> e.norm(kind, e.reshaped(x, count, headDim), weight, layer, headDim, eps, bias);
      case HEADS -> {
        var plain = e.norm(kind, e.reshaped(x, count, headDim), e.ones(headDim), null, eps);
        yield e.ops.mul(plain, e.asF32(e.normWeight(perHead(weight, count, layer))));
      }
    };
  }

  /** Weights {@code [heads, head_dim]}, stored in one tensor or in one per head. */
  private Value perHead(String weight, int count, int layer) {
    if (!e.weights.isPerPart(weight, "head", layer)) {
      return e.weights.get(weight, layer, e.normFill(), count, headDim);
    }
    var parts = new ArrayList<Value>();
    for (int head = 0; head < count; head++) {
      var one = e.weights.part(weight, "head", head, layer, e.normFill(), headDim);
      parts.add(e.ops.reshape(one, Emitter.withDims(one, 1, headDim)));
    }
    return e.ops.concat(parts, 0);
  }
}
