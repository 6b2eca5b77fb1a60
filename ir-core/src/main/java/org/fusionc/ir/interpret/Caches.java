package org.fusionc.ir.interpret;

import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.op.Attention;
import org.fusionc.ir.op.KvAppend;
import org.fusionc.ir.op.KvKeys;
import org.fusionc.ir.op.KvPositions;
import org.fusionc.ir.op.KvSequences;
import org.fusionc.ir.op.KvValues;
import org.fusionc.ir.op.OutputRows;
import org.fusionc.ir.op.Positions;
import org.fusionc.ir.op.RopeAttention;
import org.fusionc.ir.op.RopeKvAppend;
import org.fusionc.ir.op.SelectOutputs;
import org.fusionc.ir.op.Sequences;
import org.jspecify.annotations.Nullable;

/** Ops on the ragged batch and the KV cache. */
final class Caches {
  private Caches() {}

  static void register(Evaluators e) {
    e.on(
        KvAppend.SCHEMA,
        KvAppend.class,
        (op, f) -> f.kv(op.kv()).append(f.array(op.k()), f.array(op.v()), f.batch(op.at())));
    e.on(
        RopeKvAppend.SCHEMA,
        RopeKvAppend.class,
        (op, f) -> {
          var at = f.batch(op.at());
          var k =
              Rotary.rope(f.array(op.k()), f.array(op.freqs()), at, op.interleaved(), op.scale());
          return f.kv(op.kv()).append(k, f.array(op.v()), at);
        });
    e.on(
        Attention.SCHEMA,
        Attention.class,
        (op, f) ->
            new Scores(
                    op.scale(),
                    op.window(),
                    op.softcap(),
                    f.optional(op.slopes()),
                    f.optional(op.sinks()))
                .attend(f.array(op.q()), f.kv(op.kv()), f.batch(op.at())));
    e.on(
        RopeAttention.SCHEMA,
        RopeAttention.class,
        (op, f) -> {
          var at = f.batch(op.at());
          var q =
              Rotary.rope(
                  f.array(op.q()), f.array(op.freqs()), at, op.interleaved(), op.ropeScale());
          return new Scores(
                  op.scale(),
                  op.window(),
                  op.softcap(),
                  f.optional(op.slopes()),
                  f.optional(op.sinks()))
              .attend(q, f.kv(op.kv()), at);
        });

    e.on(KvKeys.SCHEMA, KvKeys.class, (op, f) -> keys(f.kv(op.kv()), f.batch(op.at())));
    e.on(KvValues.SCHEMA, KvValues.class, (op, f) -> values(f.kv(op.kv()), f.batch(op.at())));
    e.on(
        KvPositions.SCHEMA,
        KvPositions.class,
        (op, f) -> Shapes.vector(Entries.of(f.batch(op.at())).position()));
    e.on(
        KvSequences.SCHEMA,
        KvSequences.class,
        (op, f) -> Shapes.vector(Entries.of(f.batch(op.at())).sequence()));
    e.on(Positions.SCHEMA, Positions.class, (op, f) -> Shapes.vector(f.batch(op.at()).position()));
    e.on(Sequences.SCHEMA, Sequences.class, (op, f) -> Shapes.vector(f.batch(op.at()).sequence()));
    e.on(OutputRows.SCHEMA, OutputRows.class, (op, f) -> Shapes.vector(f.batch(op.at()).outputs()));
    e.on(
        SelectOutputs.SCHEMA,
        SelectOutputs.class,
        (op, f) -> {
          var x = f.array(op.x());
          var outputs = Shapes.vector(f.batch(op.at()).outputs());
          int[] rows = new int[outputs.size()];
          for (int s = 0; s < rows.length; s++) {
            rows[s] = Shapes.index(outputs, s, x.dim(0));
          }
          return Shapes.rows(x, rows);
        });
  }

  /**
   * The cache entries that a batch's sequences can see, sequence by sequence, positions ascending:
   * of each sequence that has a token, all up to its last one.
   */
  @SuppressWarnings("ArrayRecordComponent") // Read at once, never compared.
  private record Entries(int[] sequence, int[] position) {
    static Entries of(Batch at) {
      int[] seen = new int[at.pages().size()];
      for (int t = 0; t < at.tokens(); t++) {
        int s = at.sequence()[t];
        seen[s] = Math.max(seen[s], at.position()[t] + 1);
      }
      int count = 0;
      for (int s : seen) {
        count += s;
      }
      var entries = new Entries(new int[count], new int[count]);
      int c = 0;
      for (int s = 0; s < seen.length; s++) {
        for (int p = 0; p < seen[s]; p++) {
          entries.sequence[c] = s;
          entries.position[c++] = p;
        }
      }
      return entries;
    }
  }

  private static Array keys(KvCache kv, Batch at) {
    var entries = Entries.of(at);
    var y = new Array(Scalar.F32, entries.sequence.length, kv.heads(), kv.keyDim());
    for (int c = 0; c < entries.sequence.length; c++) {
      y.setRow(c, kv.keys(at, entries.sequence[c], entries.position[c]));
    }
    return y;
  }

  private static Array values(KvCache kv, Batch at) {
    var entries = Entries.of(at);
    var y = new Array(Scalar.F32, entries.sequence.length, kv.heads(), kv.valueDim());
    for (int c = 0; c < entries.sequence.length; c++) {
      y.setRow(c, kv.values(at, entries.sequence[c], entries.position[c]));
    }
    return y;
  }

  /** How attention scores its entries. */
  private record Scores(
      double scale, long window, double softcap, @Nullable Array slopes, @Nullable Array sinks) {

    /** y[t, h] = Σₚ e^s · v[p] / (Σₚ e^s + e^sinks[h]) over the positions that token t sees. */
    Array attend(Array q, KvCache kv, Batch at) {
      int heads = q.dim(1);
      var y = new Array(q.dtype(), q.dim(0), heads, kv.valueDim());
      for (int row = 0; row < q.rows(); row++) {
        int t = row / heads;
        int h = row % heads;
        int kvHead = h * kv.heads() / heads;
        int sequence = at.sequence()[t];
        int position = at.position()[t];
        int first = window > 0 ? (int) Math.max(0, position - window + 1) : 0;
        var query = q.row(row);
        var s = new double[position + 1 - first];
        double max = sinks == null ? Double.NEGATIVE_INFINITY : sinks.real(h);
        for (int p = first; p <= position; p++) {
          double score = scale * kv.dotKey(at, sequence, p, kvHead, query);
          if (softcap > 0) {
            score = softcap * Math.tanh(score / softcap);
          }
          if (slopes != null) {
            score += slopes.real(h) * (p - position);
          }
          s[p - first] = score;
          max = Math.max(max, score);
        }
        double sum = sinks == null ? 0 : Math.exp(sinks.real(h) - max);
        var mix = new double[kv.valueDim()];
        for (int p = first; p <= position; p++) {
          double weight = Math.exp(s[p - first] - max);
          sum += weight;
          kv.addValue(at, sequence, p, kvHead, weight, mix);
        }
        for (int d = 0; d < mix.length; d++) {
          mix[d] /= sum;
        }
        y.setRow(row, mix);
      }
      return y;
    }
  }
}
