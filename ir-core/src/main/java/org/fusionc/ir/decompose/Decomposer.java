package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.AddLayerNorm;
import org.fusionc.ir.op.AddRmsNorm;
import org.fusionc.ir.op.Attention;
import org.fusionc.ir.op.Fused;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.KvAppend;
import org.fusionc.ir.op.KvKeys;
import org.fusionc.ir.op.KvPositions;
import org.fusionc.ir.op.KvSequences;
import org.fusionc.ir.op.KvValues;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.op.Ops;
import org.fusionc.ir.op.OutputRows;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.op.Positions;
import org.fusionc.ir.op.RmsNorm;
import org.fusionc.ir.op.Rope;
import org.fusionc.ir.op.RopeAttention;
import org.fusionc.ir.op.RopeFrequencies;
import org.fusionc.ir.op.RopeKvAppend;
import org.fusionc.ir.op.SelectOutputs;
import org.fusionc.ir.op.Sequences;
import org.fusionc.ir.op.Softcap;
import org.fusionc.ir.op.Swiglu;
import org.jspecify.annotations.Nullable;

/**
 * Writes an op as lower ops: kernel ops as LLM ops, LLM ops as tensor ops and primitives. This is
 * the op's definition. Values of less than 32 bits are computed in f32.
 */
public final class Decomposer {
  /** The LLM ops that read or write the batch and the cache, of which tensor ops know nothing. */
  public static final Set<OpSchema> PRIMITIVES =
      Set.of(
          KvAppend.SCHEMA,
          KvKeys.SCHEMA,
          KvValues.SCHEMA,
          KvPositions.SCHEMA,
          KvSequences.SCHEMA,
          Positions.SCHEMA,
          Sequences.SCHEMA,
          OutputRows.SCHEMA);

  private Decomposer() {}

  /**
   * The op's results in terms of lower ops, built by {@code b} from the op's operands; empty if the
   * op is a tensor op, a primitive, or an op of a plug-in that has no decomposition.
   */
  public static Optional<List<Value>> decompose(Op op, Ops b) {
    var f = new Formulas(b);
    return switch (op) {
      case Linear linear -> one(Products.linear(f, linear));
      case RmsNorm norm -> one(Normalisation.rms(f, norm));
      case LayerNorm norm -> one(Normalisation.layer(f, norm));
      case RopeFrequencies frequencies -> one(Rotation.frequencies(f, frequencies));
      case Rope rope -> one(Rotation.rope(f, rope));
      case Attention attention -> one(Attending.attention(f, attention));
      // y[s] = x[output[s]]
      case SelectOutputs(var x, var at, _) -> one(b.gather(x, b.outputRows(at), 0));
      // y = silu(gate) · up
      case Swiglu(var gate, var up, _) -> {
        var wide = Formulas.wide(gate);
        yield one(f.like(gate, f.mul(b.silu(f.cast(gate, wide)), f.cast(up, wide))));
      }
      // y = gelu(gate) · up
      case Geglu(var gate, var up, var approximate, _) -> {
        var wide = Formulas.wide(gate);
        yield one(f.like(gate, f.mul(b.gelu(f.cast(gate, wide), approximate), f.cast(up, wide))));
      }
      // y = cap · tanh(x / cap)
      case Softcap(var x, double cap, _) ->
          one(f.like(x, f.mul(b.tanh(f.div(f.cast(x, Formulas.wide(x)), cap)), cap)));
      case Moe moe -> one(Products.moe(f, moe));

      // sum = x + residual; norm = rms_norm(sum, weight)
      case AddRmsNorm(var x, var residual, var weight, double eps, _) -> {
        var sum = b.add(x, residual);
        yield Optional.of(List.of(sum, b.rmsNorm(sum, weight, eps)));
      }
      // sum = x + residual; norm = layer_norm(sum, weight, bias)
      case AddLayerNorm(var x, var residual, var weight, var bias, double eps, _) -> {
        var sum = b.add(x, residual);
        yield Optional.of(List.of(sum, b.layerNorm(sum, weight, bias, eps)));
      }
      // kv' = kv_append(kv, rope(k, freqs, at), v, at)
      case RopeKvAppend o ->
          one(
              b.kvAppend(
                  o.kv(),
                  b.rope(o.k(), o.freqs(), o.at(), o.interleaved(), o.scale()),
                  o.v(),
                  o.at()));
      // y = attention(rope(q, freqs, at), kv, at, slopes, sinks)
      case RopeAttention o ->
          one(
              b.attention(
                  b.rope(o.q(), o.freqs(), o.at(), o.interleaved(), o.ropeScale()),
                  o.kv(),
                  o.at(),
                  o.slopes(),
                  o.sinks(),
                  o.scale(),
                  o.window(),
                  o.softcap()));
      // y = swiglu(gate_up[…, :E/2], gate_up[…, E/2:])
      case PackedSwiglu(var x, _) ->
          halves(f, x).map(half -> List.of(b.swiglu(half.getFirst(), half.getLast())));
      // y = geglu(gate_up[…, :E/2], gate_up[…, E/2:])
      case PackedGeglu(var x, var approximate, _) ->
          halves(f, x).map(half -> List.of(b.geglu(half.getFirst(), half.getLast(), approximate)));
      // y = activation(p[…, :N/2]) · p[…, N/2:], p = linear(x, weight, bias)
      case GatedLinear(var x, var weight, var bias, var activation, _) -> {
        var p = b.linear(x, weight, bias);
        yield one(
            switch (Activation.of(activation)) {
              case SILU -> b.packedSwiglu(p);
              case GELU -> b.packedGeglu(p, "none");
              case GELU_TANH -> b.packedGeglu(p, "tanh");
            });
      }
      // y = body(inputs)
      case Fused(var inputs, var body, _) -> inline(b, inputs, body);
      default -> op.decomposition(b);
    };
  }

  private static Optional<List<Value>> one(Value value) {
    return Optional.of(List.of(value));
  }

  /** The two halves of the last dimension, which is static. */
  private static Optional<List<Value>> halves(Formulas f, Value x) {
    var width = x.tensorType().dim(-1);
    if (!width.isStatic()) {
      return Optional.empty();
    }
    int axis = x.tensorType().rank() - 1;
    long half = width.value() / 2;
    return Optional.of(
        List.of(f.slice(x, axis, 0, half), f.ops().slice(x, axis, half, 2 * half, 1)));
  }

  /** The body's ops on these inputs; it must have no op with several results. */
  private static Optional<List<Value>> inline(Ops b, List<Value> inputs, Function body) {
    Map<Value, Value> map = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      map.put(body.params().get(i), inputs.get(i));
    }
    for (var op : body.body()) {
      var operands = new ArrayList<@Nullable Value>();
      for (var operand : op.operands()) {
        if (operand instanceof Result) {
          return Optional.empty();
        }
        operands.add(operand == null ? null : map.getOrDefault(operand, operand));
      }
      map.put(op, b.build(op.schema(), operands, op.attributes(), op.type()));
    }
    return Optional.of(
        body.results().stream().map(result -> map.getOrDefault(result, result)).toList());
  }

  /**
   * The dimension of the cache entries that a batch's sequences can see: the symbol of its tokens
   * followed by {@code .context}, as in {@code T.context}. Decompositions of attention have it; a
   * module that holds one declares it.
   */
  public static Dim context(Type.Batch at) {
    var tokens = at.tokens();
    var name = tokens.toString();
    return Dim.symbol(
        tokens.symbols().size() == 1 && tokens.equals(Dim.symbol(name))
            ? name + ".context"
            : "context");
  }

  /**
   * The op's decomposition as a function of the operands that are present, in a graph of its own.
   */
  public static Optional<Function> definition(Op op) {
    var b = new FunctionBuilder(new Graph(), op.name());
    var params = new ArrayList<@Nullable Value>();
    for (int i = 0; i < op.operands().size(); i++) {
      var operand = op.operands().get(i);
      params.add(operand == null ? null : b.param("x" + i, operand.type()));
    }
    return decompose(b.graph().withOperands(op, params), b).map(b::build);
  }
}
