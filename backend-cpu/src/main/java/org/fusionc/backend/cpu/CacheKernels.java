package org.fusionc.backend.cpu;

import org.fusionc.backend.cpu.jit.KvAppend;
import org.fusionc.backend.cpu.jit.PagedAttention;
import org.fusionc.backend.cpu.jit.RopeTable;
import org.fusionc.backend.cpu.jit.Rotation;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.Attention;
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
 */
final class CacheKernels {
  private CacheKernels() {}

  private static KvPages.Kind kind(Type.Kv kv) {
    var format = kv.dtype() == Scalar.F16 ? FloatFormat.F16 : FloatFormat.F32;
    return new KvPages.Kind((int) kv.heads(), (int) kv.keyDim(), (int) kv.valueDim(), format);
  }

  private static KvPages.Kind kind(Value kv) {
    return kind((Type.Kv) kv.type());
  }

  /** The cache of a layer, as the kernels of a tier keep it. */
  static KvPages cache(Tier tier, int pages, int pageTokens, Type.Kv type) {
    var kind = kind(type);
    return Target.of(tier).isPresent()
        ? PagedAttention.cache(pages, pageTokens, kind)
        : new KvPages(
            pages, pageTokens, kind.heads(), kind.keyDim(), kind.valueDim(), kind.format());
  }

  /** What a rotation is made of; its frequencies must be known when the program is compiled. */
  private static RopeTable.Key key(Wiring w, Value freqs, double scale, boolean interleaved) {
    float[] values = w.constant(freqs).toArray(Tensor.FLOAT);
    var list = new java.util.ArrayList<Float>();
    for (float value : values) {
      list.add(value);
    }
    return new RopeTable.Key(list, (float) scale, interleaved);
  }

  private static Rope rotation(Wiring w, Value freqs, double scale, boolean interleaved) {
    return new Rope(w.constant(freqs).toArray(Tensor.FLOAT), (float) scale, interleaved);
  }

  static Choice rope(org.fusionc.ir.op.Rope op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        op.x(),
        DecoderKernels.named("rope", target),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          if (target == null) {
            var rope = rotation(w, op.freqs(), op.scale(), op.interleaved());
            return run -> rotate(run, rope, x, y);
          }
          var table = w.ropeTable(key(w, op.freqs(), op.scale(), op.interleaved()));
          var rotation = new Rotation(target, table, (int) op.tensorType().dim(2).value());
          return run ->
              rotation.run(
                  run.pool(),
                  run.data(x),
                  run.data(y),
                  run.batch().position(),
                  (int) run.shape(x)[1]);
        });
  }

  private static void rotate(Run run, Rope rope, int from, int to) {
    var shape = run.shape(from);
    rope.run(
        run.pool(),
        run.data(from),
        run.data(to),
        run.batch().position(),
        (int) shape[1],
        (int) shape[2]);
  }

  /** A kernel on a cache and an f32 operand, if the cache is kept in a way that it reads. */
  private static Choice onCache(Value kv, Value x, String name, Choice.Factory factory) {
    var dtype = ((Type.Kv) kv.type()).dtype();
    return dtype == Scalar.F32 || dtype == Scalar.F16
        ? DecoderKernels.onF32(x, name, factory)
        : Choice.none("the cache is kept as " + dtype, "f32 or f16");
  }

  static Choice kvAppend(org.fusionc.ir.op.KvAppend op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        op.kv(),
        op.k(),
        DecoderKernels.named("kv_append", target),
        w -> {
          int kv = w.of(op.kv());
          int k = w.of(op.k());
          int v = w.of(op.v());
          return target == null
              ? run -> append(run, run.cache(kv), k, v)
              : append(new KvAppend(target, kind(op.kv()), null), kv, k, v);
        });
  }

  static Choice ropeKvAppend(RopeKvAppend op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        op.kv(),
        op.k(),
        DecoderKernels.named("rope_kv_append", target),
        w -> {
          int kv = w.of(op.kv());
          int from = w.of(op.k());
          int v = w.of(op.v());
          if (target != null) {
            var table = w.ropeTable(key(w, op.freqs(), op.scale(), op.interleaved()));
            return append(new KvAppend(target, kind(op.kv()), table), kv, from, v);
          }
          int k = w.scratch(op.k());
          var rope = rotation(w, op.freqs(), op.scale(), op.interleaved());
          return run -> {
            rotate(run, rope, from, k);
            append(run, run.cache(kv), k, v);
          };
        });
  }

  private static Step append(KvAppend kernel, int kv, int k, int v) {
    return run ->
        kernel.run(
            run.pool(),
            run.cache(kv),
            run.data(k),
            run.data(v),
            run.batch().sequence(),
            run.batch().position(),
            run.pages());
  }

  private static void append(Run run, KvPages cache, int k, int v) {
    cache.append(
        run.pool(),
        run.data(k),
        run.data(v),
        run.batch().sequence(),
        run.batch().position(),
        run.pages());
  }

  static Choice attention(org.fusionc.ir.op.Attention op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        op.kv(),
        op.q(),
        DecoderKernels.named("attention", target),
        w -> {
          int q = w.of(op.q());
          int kv = w.of(op.kv());
          var shape = shape(op.q(), op.scale(), op.window(), op.softcap());
          return target == null
              ? attend(w, op, q, kv, op.slopes(), op.sinks(), shape)
              : attend(w, target, op, null, q, op.kv(), op.slopes(), op.sinks(), shape);
        });
  }

  static Choice ropeAttention(RopeAttention op, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return onCache(
        op.kv(),
        op.q(),
        DecoderKernels.named("rope_attention", target),
        w -> {
          int from = w.of(op.q());
          int kv = w.of(op.kv());
          var shape = shape(op.q(), op.scale(), op.window(), op.softcap());
          if (target != null) {
            var table = w.ropeTable(key(w, op.freqs(), op.ropeScale(), op.interleaved()));
            return attend(w, target, op, table, from, op.kv(), op.slopes(), op.sinks(), shape);
          }
          int q = w.scratch(op.q());
          var rope = rotation(w, op.freqs(), op.ropeScale(), op.interleaved());
          var attend = attend(w, op, q, kv, op.slopes(), op.sinks(), shape);
          return run -> {
            rotate(run, rope, from, q);
            attend.run(run);
          };
        });
  }

  private static Attention.Shape shape(Value q, double scale, long window, double softcap) {
    return new Attention.Shape(
        (int) q.tensorType().dim(1).value(),
        (float) scale,
        (int) Math.min(window, Integer.MAX_VALUE),
        (float) softcap);
  }

  private static Step attend(
      Wiring w,
      Target target,
      Op op,
      @Nullable RopeTable rope,
      int q,
      Value cache,
      @Nullable Value slopes,
      @Nullable Value sinks,
      Attention.Shape shape) {
    int slope = w.f32OrNone(slopes);
    int sink = w.f32OrNone(sinks);
    int kv = w.of(cache);
    int y = w.of(op);
    var kernel =
        new PagedAttention(target, kind(cache), shape, rope, slopes != null, sinks != null);
    return run ->
        kernel.run(
            run.pool(),
            run.cache(kv),
            run.data(q),
            slope < 0 ? null : run.data(slope),
            sink < 0 ? null : run.data(sink),
            run.data(y),
            run.batch().sequence(),
            run.batch().position(),
            run.pages());
  }

  private static Step attend(
      Wiring w,
      Op op,
      int q,
      int kv,
      @Nullable Value slopes,
      @Nullable Value sinks,
      Attention.Shape shape) {
    int slope = w.f32OrNone(slopes);
    int sink = w.f32OrNone(sinks);
    int y = w.of(op);
    return run ->
        Attention.run(
            run.pool(),
            run.cache(kv),
            shape,
            run.data(q),
            slope < 0 ? null : run.data(slope),
            sink < 0 ? null : run.data(sink),
            run.data(y),
            run.batch().sequence(),
            run.batch().position(),
            run.pages());
  }
}
