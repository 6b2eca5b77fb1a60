package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/**
 * A mixture of experts: a router scores all experts for each token, the best few are weighed and
 * summed, and shared experts see every token.
 */
final class Experts {
  private enum Score {
    SOFTMAX,
    SIGMOID
  }

  /** The tensors of all experts, one beside the other; biases null where there are none. */
  private record Stacked(
      Value gate,
      Value up,
      Value down,
      @Nullable Value gateBias,
      @Nullable Value upBias,
      @Nullable Value downBias) {}

  /** The experts that each token goes to, {@code [T, k]}, and their weights. */
  private record Routing(Value experts, Value weights) {}

  private final Emitter e;

  Experts(Emitter e) {
    this.e = e;
  }

  Value of(Value x, int layer) {
    var activation = e.features.choice("moe.activation", layer, Activation.OF_EXPERTS);
    var routing = route(x, layer);
    var stacked = stacked(layer);
    Value out =
        e.ops.moe(
            x,
            routing.experts(),
            routing.weights(),
            stacked.gate(),
            stacked.up(),
            stacked.down(),
            stacked.gateBias(),
            stacked.upBias(),
            stacked.downBias(),
            activation.ofMoe,
            e.features.number("moe.alpha", layer),
            e.features.number("moe.limit", layer));
    long sharedWidth = e.features.countOrZero("moe.shared_width", layer);
    if (sharedWidth > 0) {
      out = e.ops.add(e.named(out, "moe.routed", layer), shared(x, layer, sharedWidth));
    }
    return e.named(out, "mlp.out", layer);
  }

  private Value shared(Value x, int layer, long width) {
    var out = FeedForward.gated(e, x, "moe.shared", layer, width);
    if (!e.weights.has("moe.shared_score", layer)) {
      return out;
    }
    var score = e.linear(x, "moe.shared_score", layer, e.features.count("hidden"), 1, false);
    return e.ops.mul(e.ops.sigmoid(score), out);
  }

  private Routing route(Value x, int layer) {
    int count = e.features.count("moe.experts", layer);
    int chosen = e.features.count("moe.top_k", layer);
    if (chosen > count) {
      throw e.features.invalid(
          "moe.top_k", layer, "is more than the number of experts (" + count + ")");
    }
    var bias =
        e.weights.has("moe.router_bias", layer)
            ? e.weights.get("moe.router_bias", layer, RandomTensor.Fill.ZEROS, count)
            : null;
    var router =
        e.weights.get(
            "moe.router", layer, RandomTensor.Fill.NORMAL, count, e.features.count("hidden"));
    var logits = e.named(e.ops.linear(x, router, bias), "moe.logits", layer);
    var kind =
        e.features.choice(
            "moe.score", layer, Map.of("softmax", Score.SOFTMAX, "sigmoid", Score.SIGMOID));
    Value scores = kind == Score.SOFTMAX ? e.ops.softmax(logits, -1) : e.ops.sigmoid(logits);
    e.named(scores, "moe.scores", layer);
    var preference = withinGroups(corrected(scores, layer, count), layer, count);
    var best = e.ops.topK(preference, chosen);
    var experts = e.named(e.ops.result(best, 1), "moe.experts", layer);
    Value weights =
        preference.equals(scores) ? e.ops.result(best, 0) : e.ops.gatherElements(scores, experts);
    if (e.features.flag("moe.normalize", layer)) {
      Value sum = e.ops.reduceSum(weights, List.of(1L), true);
      double epsilon = e.features.number("moe.epsilon", layer);
      weights = e.ops.div(weights, epsilon == 0 ? sum : e.ops.add(sum, e.scalar(epsilon)));
    }
    weights = e.scaled(weights, e.features.number("moe.scale", layer));
    return new Routing(experts, e.named(weights, "moe.weights", layer));
  }

  private Value corrected(Value scores, int layer, int count) {
    if (!e.weights.has("moe.correction", layer)) {
      return scores;
    }
    var correction = e.weights.get("moe.correction", layer, RandomTensor.Fill.ZEROS, count);
    return e.ops.add(scores, e.asF32(correction));
  }

  /**
   * Scores with those outside the best groups at -∞; a group is as good as its two best experts.
   */
  private Value withinGroups(Value scores, int layer, int count) {
    int groups = e.features.count("moe.groups", layer);
    int best = e.features.count("moe.top_groups", layer);
    if (best >= groups) {
      return scores;
    }
    if (count % groups != 0) {
      throw e.features.invalid(
          "moe.groups", layer, "does not divide the number of experts (" + count + ")");
    }
    int size = count / groups;
    var grouped = e.reshaped(scores, groups, size);
    var two = e.ops.result(e.ops.topK(grouped, Math.min(2, size)), 0);
    var groupScores = e.ops.reduceSum(two, List.of(2L), false);
    var ranked = e.ops.result(e.ops.topK(groupScores, best), 0);
    var least = e.slice(ranked, 1, best - 1L, best);
    var outside = e.ops.reshape(e.ops.less(groupScores, least), perGroup(groups));
    var limited = e.ops.where(outside, e.scalar(Double.NEGATIVE_INFINITY), grouped);
    return e.reshaped(limited, count);
  }

  private static Type perGroup(long groups) {
    return Type.tensor(DType.Scalar.BOOL, Emitter.TOKENS, Dim.of(groups), Dim.of(1));
  }

  private Stacked stacked(int layer) {
    long count = e.features.count("moe.experts", layer);
    long width = e.features.count("moe.width", layer);
    long hidden = e.features.count("hidden");
    boolean inOut =
        e.features.choice("moe.layout", layer, Map.of("out in", false, "in out interleaved", true));
    if (inOut) {
      return interleaved(layer, count, width, hidden);
    }
    if (e.weights.isStored("moe.all_gate_up", layer)) {
      var both =
          e.weights.get(
              "moe.all_gate_up", layer, RandomTensor.Fill.NORMAL, count, 2 * width, hidden);
      var down =
          e.weights.get("moe.all_down", layer, RandomTensor.Fill.NORMAL, count, hidden, width);
      return new Stacked(
          e.slice(both, 1, 0, width), e.slice(both, 1, width, 2 * width), down, null, null, null);
    }
    return new Stacked(
        stack("moe.gate", layer, count, width, hidden),
        stack("moe.up", layer, count, width, hidden),
        stack("moe.down", layer, count, hidden, width),
        null,
        null,
        null);
  }

  private Value stack(String weight, int layer, long count, long rows, long columns) {
    var parts = new ArrayList<Value>();
    for (int expert = 0; expert < count; expert++) {
      var one =
          e.weights.part(weight, "expert", expert, layer, RandomTensor.Fill.NORMAL, rows, columns);
      parts.add(e.ops.reshape(one, Emitter.withDims(one, 1, rows, columns)));
    }
    return e.named(e.ops.concat(parts, 0), weight, layer);
  }

  /** gpt-oss: stored as [in, out], gate and up in turns. */
  private Stacked interleaved(int layer, long count, long width, long hidden) {
    var blocks = new Mxfp4(e);
    Value both =
        blocks.isStored("moe.all_gate_up", layer)
            ? blocks.get("moe.all_gate_up", layer, count, 2 * width, hidden)
            : e.ops.transpose(
                e.weights.get(
                    "moe.all_gate_up", layer, RandomTensor.Fill.NORMAL, count, hidden, 2 * width),
                List.of(0L, 2L, 1L));
    Value down =
        blocks.isStored("moe.all_down", layer)
            ? blocks.get("moe.all_down", layer, count, hidden, width)
            : e.ops.transpose(
                e.weights.get(
                    "moe.all_down", layer, RandomTensor.Fill.NORMAL, count, width, hidden),
                List.of(0L, 2L, 1L));
    Value bothBias =
        e.weights.get("moe.all_gate_up_bias", layer, RandomTensor.Fill.ZEROS, count, 2 * width);
    Value downBias =
        e.weights.get("moe.all_down_bias", layer, RandomTensor.Fill.ZEROS, count, hidden);
    return new Stacked(
        e.ops.slice(both, 1, 0, 2 * width, 2),
        e.ops.slice(both, 1, 1, 2 * width, 2),
        down,
        e.ops.slice(bothBias, 1, 0, 2 * width, 2),
        e.ops.slice(bothBias, 1, 1, 2 * width, 2),
        downBias);
  }
}
