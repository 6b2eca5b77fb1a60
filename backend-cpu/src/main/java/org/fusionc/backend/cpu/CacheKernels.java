package org.fusionc.backend.cpu;

import java.util.ArrayList;
import org.fusionc.backend.cpu.jit.KvAppend;
import org.fusionc.backend.cpu.jit.PagedAttention;
import org.fusionc.backend.cpu.jit.RopeTable;
import org.fusionc.backend.cpu.jit.Rotation;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.CacheReader;
import org.fusionc.backend.cpu.kernel.CacheWriter;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Rope;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.op.RopeAttention;
import org.fusionc.ir.op.RopeKvAppend;
import org.jspecify.annotations.Nullable;

/**
 * Which kernels rotate, append to the KV cache and attend to it: machine code in the tiers that
 * have it, else the portable ones. All kernels of a program agree, since the cache's layout is
 * theirs.
 *
 * <p>Kernels in machine code rotate what they read; the portable ones have it rotated first, into
 * working memory of its own.
 */
final class CacheKernels {
  private CacheKernels() {}

  /** A rotation as an op states it. */
  private record Turn(Value freqs, double scale, boolean interleaved) {
    /** Its frequencies must be known when the program is compiled. */
    private float[] frequencies(Wiring w) {
      return w.constant(freqs).toArray(Tensor.FLOAT);
    }

    RopeTable table(Wiring w) {
      var list = new ArrayList<Float>();
      for (float value : frequencies(w)) {
        list.add(value);
      }
      return w.ropeTable(new RopeTable.Key(list, (float) scale, interleaved));
    }

    /** The portable rotation, as a step. */
    Step step(Wiring w, int from, int to) {
      var rope = new Rope(frequencies(w), (float) scale, interleaved);
      return run -> {
        var shape = run.shape(from);
        rope.run(
            run.pool(),
            run.data(from),
            run.data(to),
            run.batch().position(),
            (int) shape[1],
            (int) shape[2]);
      };
    }
  }

  /** An operand that a kernel reads: how it is rotated on the way, if it is. */
  private record Turned(@Nullable RopeTable inKernel, @Nullable Step before, int value) {
    static Turned of(Wiring w, Value x, @Nullable Turn turn, @Nullable Target target) {
      int from = w.of(x);
      if (turn == null) {
        return new Turned(null, null, from);
      }
      if (target != null) {
        return new Turned(turn.table(w), null, from);
      }
      int to = w.scratch(x.type());
      return new Turned(null, turn.step(w, from, to), to);
    }

    /** The kernel's step, after the rotation if that is a step of its own. */
    Step then(Step kernel) {
      var first = before;
      return first == null
          ? kernel
          : run -> {
            first.run(run);
            kernel.run(run);
          };
    }
  }

  private static KvPages.Kind kind(Type.Kv kv) {
    var format = kv.dtype() == Scalar.F16 ? FloatFormat.F16 : FloatFormat.F32;
    return new KvPages.Kind((int) kv.heads(), (int) kv.keyDim(), (int) kv.valueDim(), format);
  }

  private static KvPages.Kind kind(Value kv) {
    return kind((Type.Kv) kv.type());
  }

  /** The cache of a layer, as the kernels of a tier keep it. */
  static KvPages cache(Tier tier, int pages, int pageTokens, Type.Kv type) {
    return Target.of(tier).isPresent()
        ? PagedAttention.cache(pages, pageTokens, kind(type))
        : new KvPages(pages, pageTokens, kind(type));
  }

  static Choice rope(org.fusionc.ir.op.Rope op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    var turn = new Turn(op.freqs(), op.scale(), op.interleaved());
    return DecoderKernels.onF32(
        op.x(),
        DecoderKernels.named("rope", target),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          if (target == null) {
            return turn.step(w, x, y);
          }
          int dim = (int) op.tensorType().dim(2).value();
          var rotation = new Rotation(target, turn.table(w), dim);
          return run ->
              rotation.run(
                  run.pool(),
                  run.data(x),
                  run.data(y),
                  run.batch().position(),
                  (int) run.shape(x)[1]);
        });
  }

  static Choice kvAppend(org.fusionc.ir.op.KvAppend op, Tier tier) {
    return append("kv_append", op.kv(), op.k(), op.v(), null, tier);
  }

  static Choice ropeKvAppend(RopeKvAppend op, Tier tier) {
    var turn = new Turn(op.freqs(), op.scale(), op.interleaved());
    return append("rope_kv_append", op.kv(), op.k(), op.v(), turn, tier);
  }

  private static Choice append(
      String name, Value cache, Value keys, Value values, @Nullable Turn turn, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        cache,
        keys,
        DecoderKernels.named(name, target),
        w -> {
          int kv = w.of(cache);
          var k = Turned.of(w, keys, turn, target);
          int v = w.of(values);
          CacheWriter kernel =
              target == null
                  ? (pool, pages, key, value, batch) -> pages.append(pool, key, value, batch)
                  : new KvAppend(target, kind(cache), k.inKernel);
          return k.then(run ->
              kernel.run(run.pool(), run.cache(kv), run.data(k.value), run.data(v), run.batch()));
        });
  }

  static Choice attention(org.fusionc.ir.op.Attention op, Tier tier) {
    var shape = shape(op.q(), op.scale(), op.window(), op.softcap());
    return attend("attention", op, op.kv(), op.q(), op.slopes(), op.sinks(), shape, null, tier);
  }

  static Choice ropeAttention(RopeAttention op, Tier tier) {
    var shape = shape(op.q(), op.scale(), op.window(), op.softcap());
    var turn = new Turn(op.freqs(), op.ropeScale(), op.interleaved());
    return attend(
        "rope_attention", op, op.kv(), op.q(), op.slopes(), op.sinks(), shape, turn, tier);
  }

  private static Attention.Shape shape(Value q, double scale, long window, double softcap) {
    return new Attention.Shape(
        (int) q.tensorType().dim(1).value(),
        (float) scale,
        (int) Math.min(window, Integer.MAX_VALUE),
        (float) softcap);
  }

  private static Choice attend(
      String name,
      Op op,
      Value cache,
      Value queries,
      @Nullable Value slopes,
      @Nullable Value sinks,
      Attention.Shape shape,
      @Nullable Turn turn,
      Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        cache,
        queries,
        DecoderKernels.named(name, target),
        w -> {
          int kv = w.of(cache);
          var q = Turned.of(w, queries, turn, target);
          int slope = w.f32OrNone(slopes);
          int sink = w.f32OrNone(sinks);
          int y = w.of(op);
          CacheReader kernel =
              target == null
                  ? new Attention(shape)
                  : new PagedAttention(
                      target, kind(cache), shape, q.inKernel, slopes != null, sinks != null);
          return q.then(run -> {
            var operands =
                new Attention.Operands(
                    run.data(q.value), run.dataOrNone(slope), run.dataOrNone(sink), run.data(y));
            kernel.run(run.pool(), run.cache(kv), operands, run.batch());
          });
        });
  }

  /** A kernel on a cache and an f32 operand, if the cache is kept in a way that it reads. */
  private static Choice onCache(Value kv, Value x, String name, Choice.Factory factory) {
    var dtype = ((Type.Kv) kv.type()).dtype();
    return dtype == Scalar.F32 || dtype == Scalar.F16
        ? DecoderKernels.onF32(x, name, factory)
        : Choice.none("the cache is kept as " + dtype, "f32 or f16");
  }
}
