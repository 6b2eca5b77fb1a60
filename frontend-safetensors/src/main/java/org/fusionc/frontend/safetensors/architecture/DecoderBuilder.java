package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/** Writes {@code @decode} of any family from its features. */
final class DecoderBuilder {
  private final Features features;
  private final Weights weights;
  private final FunctionBuilder ops;
  private final DType cacheDtype;

  DecoderBuilder(Features features, Weights weights, Graph graph, DType cacheDtype) {
    this.features = features;
    this.weights = weights;
    this.ops = new FunctionBuilder(graph, "decode");
    this.cacheDtype = cacheDtype;
  }

  /**
   * {@code @decode(%ids: i32[T], %at: batch<T, S>, %kv.0: kv<…>, …) -> (f32[S, vocabulary], kv<…>,
   * …)}.
   */
  Function build() {
    int layers = features.count("layers");
    var ids = ops.param("ids", Type.tensor(DType.Scalar.I32, Emitter.TOKENS));
    var at = ops.param("at", new Type.Batch(Emitter.TOKENS, Emitter.OUTPUTS));
    var e = new Emitter(features, ops, weights, at);
    var attention = new SelfAttention(e);
    var feedForward = new FeedForward(e);
    var caches = new ArrayList<Value>();
    for (int layer = 0; layer < layers; layer++) {
      caches.add(ops.param("kv." + layer, attention.cacheType(cacheDtype)));
    }
    var x = input(e, ids);
    var results = new ArrayList<Value>();
    for (int layer = 0; layer < layers; layer++) {
      var output = layer(e, attention, feedForward, x, caches.get(layer), layer);
      x = output.value();
      results.add(output.cache());
    }
    results.addFirst(logits(e, x));
    return ops.build(results);
  }

  private Value input(Emitter e, Value ids) {
    long vocabulary = features.count("vocabulary");
    long hidden = features.count("hidden");
    long width = features.count("embed.width");
    var table =
        weights.get("embed", Evaluator.NO_LAYER, RandomTensor.Fill.NORMAL, vocabulary, width);
    var x = e.scaled(e.asF32(ops.gather(table, ids, 0)), features.number("embed.scale"));
    if (width != hidden) {
      x = e.linear(x, "embed_in", Evaluator.NO_LAYER, width, hidden, false);
    }
    if (weights.has("positions", Evaluator.NO_LAYER)) {
      int offset = features.countOrZero("positions.offset", Evaluator.NO_LAYER);
      x = ops.add(x, positions(e, features.count("context") + offset, offset, hidden));
    }
    ops.name(x, "embed");
    return e.norm(x, "embed_norm", Evaluator.NO_LAYER, hidden);
  }

  private Value positions(Emitter e, long rows, int offset, long hidden) {
    var stored =
        weights.get("positions", Evaluator.NO_LAYER, RandomTensor.Fill.NORMAL, rows, hidden);
    var table = offset == 0 ? stored : e.slice(stored, 0, offset, rows);
    return e.asF32(ops.gather(table, ops.name(ops.positions(e.at), "positions"), 0));
  }

  private SelfAttention.Output layer(
      Emitter e,
      SelfAttention attention,
      FeedForward feedForward,
      Value x,
      Value cache,
      int layer) {
    long hidden = features.count("hidden");
    double scale = features.number("block.residual_scale", layer);
    var normed = e.norm(x, "attn_norm", layer, hidden);
    var attended = attention.of(normed, cache, layer);
    var a = e.norm(attended.value(), "attn_post_norm", layer, hidden);
    if (features.flag("block.parallel", layer)) {
      var input = weights.has("mlp_norm", layer) ? e.norm(x, "mlp_norm", layer, hidden) : normed;
      var m = e.norm(feedForward.of(input, layer), "mlp_post_norm", layer, hidden);
      var sum = ops.add(ops.add(x, e.scaled(a, scale)), e.scaled(m, scale));
      return new SelfAttention.Output(e.named(sum, "out", layer), attended.cache());
    }
    boolean carryNormed = features.flag("block.residual_normed", layer);
    var h = ops.add(carryNormed ? normed : x, e.scaled(a, scale));
    e.named(h, "attn.sum", layer);
    var middle = e.norm(h, "attn_sum_norm", layer, hidden);
    var input = e.norm(middle, "mlp_norm", layer, hidden);
    var m = e.norm(feedForward.of(input, layer), "mlp_post_norm", layer, hidden);
    var sum = ops.add(carryNormed ? input : middle, e.scaled(m, scale));
    e.named(sum, "out", layer);
    return new SelfAttention.Output(e.norm(sum, "mlp_sum_norm", layer, hidden), attended.cache());
  }

  private Value logits(Emitter e, Value last) {
    int none = Evaluator.NO_LAYER;
    long vocabulary = features.count("vocabulary");
    long hidden = features.count("hidden");
    long width = features.count("embed.width");
    var x = e.norm(last, "final_norm", none, hidden);
    if (width != hidden) {
      x = e.linear(x, "embed_out", none, hidden, width, false);
    }
    // A checkpoint that has a matrix of its own for the logits means it, whatever config.json says.
    boolean tied = features.flag("tied") && !weights.isStored("lm_head", none);
    var matrix =
        weights.get(tied ? "embed" : "lm_head", none, RandomTensor.Fill.NORMAL, vocabulary, width);
    var bias = features.flag("logits.bias") ? weights.bias("lm_head", none, vocabulary) : null;
    var logits = e.scaled(ops.linear(x, matrix, bias), features.number("logits.scale"));
    if (features.has("logits.softcap", none)) {
      logits = ops.softcap(logits, features.positive("logits.softcap"));
    }
    ops.name(logits, "logits");
    return ops.name(ops.selectOutputs(logits, e.at), "outputs");
  }
}
