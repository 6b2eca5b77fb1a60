package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Rope;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.ir.backend.Batch;

/**
 * Prints how fast attention and the cache's writes are in machine code and by the Vector API,
 * beside what the machine can do, measured in turns in the same run. Not a test; run its main.
 */
final class AttentionTimings {
  private static final int HEADS = 32;
  private static final int KEY_HEADS = 8;
  private static final int DIM = 64;
  private static final int PAGE = 16;

  private AttentionTimings() {}

  public static void main(String[] arguments) {
    for (var format : List.of(FloatFormat.F32, FloatFormat.F16)) {
      for (int[] size : new int[][] {{256, 0}, {512, 1536}, {1, 32}, {1, 512}, {1, 4096}}) {
        run(format, size[0], size[1]);
      }
    }
  }

  private static void run(FloatFormat format, int tokens, int before) {
    try (var pool = new ComputePool(Runtime.getRuntime().availableProcessors());
        var arena = Arena.ofShared()) {
      int length = before + tokens;
      int pages = Math.ceilDiv(length, PAGE);
      // As many caches as a decode step goes through, so that none of them stays in a core's cache.
      int layers = tokens > 1 ? 1 : 16;
      var table = List.of(IntStream.range(0, pages).toArray());
      var target = Target.of(Tier.best()).orElseThrow();
      var q = random(arena, length * HEADS * DIM);
      var out = random(arena, tokens * HEADS * DIM);
      var key = new RopeTable.Key(Collections.nCopies(DIM / 2, 0.01f), 1f, false);
      var rope = new RopeTable(key);
      var portableRope = new Rope(new float[DIM / 2], 1f, false);
      int[] all = IntStream.range(0, length).toArray();
      int[] position = IntStream.range(before, length).toArray();
      var filling = new Batch(new int[length], all, new int[0], table);
      var batch = new Batch(new int[tokens], position, new int[0], table);
      var operands = new Attention.Operands(q, null, null, out);
      var shape = new Attention.Shape(HEADS, 0.125f, 0, 0);
      var kind = new KvPages.Kind(KEY_HEADS, DIM, DIM, format);
      var append = new KvAppend(target, kind, rope);
      var attention = new PagedAttention(target, kind, shape, rope, false, false);
      var plain = new Attention(shape);
      var portable = new ArrayList<KvPages>();
      var coded = new ArrayList<KvPages>();
      for (int i = 0; i < layers; i++) {
        portable.add(new KvPages(pages, PAGE, kind));
        coded.add(PagedAttention.cache(pages, PAGE, kind));
        portable.getLast().append(pool, q, q, filling);
        append.run(pool, coded.getLast(), q, q, filling);
      }
      double[] times = new double[4];
      java.util.Arrays.fill(times, Double.MAX_VALUE);
      double peak = 0;
      double limit = 0;
      var memory = arena.allocate(256 << 20, 64);
      memory.fill((byte) 1);
      for (int round = 0; round < 5; round++) {
        times[0] =
            Math.min(
                times[0],
                Limits.best(
                    portable.stream()
                        .<Runnable>map(c ->
                            () -> {
                              portableRope.run(pool, q, q, position, HEADS, DIM);
                              plain.run(pool, c, operands, batch);
                            })
                        .toList()));
        times[1] =
            Math.min(
                times[1],
                Limits.best(
                    coded.stream()
                        .<Runnable>map(c -> () -> attention.run(pool, c, operands, batch))
                        .toList()));
        times[2] =
            Math.min(times[2], Limits.best(() -> portable.getFirst().append(pool, q, q, batch)));
        times[3] =
            Math.min(times[3], Limits.best(() -> append.run(pool, coded.getFirst(), q, q, batch)));
        limit = Math.max(limit, Limits.bandwidth(pool, target, memory));
        peak =
            Math.max(
                peak, 2.0 * target.lanes() * Limits.rate(pool, target, Instruction.VFMADD231PS));
      }
      double flops = 4.0 * HEADS * DIM * tokens * (before + (tokens + 1) / 2.0);
      double bytes = 2.0 * KEY_HEADS * DIM * format.bytes() * length;
      System.out.printf(
          "%s %4d tokens after %4d: attention %8.1f µs, portable %8.1f; %5.1f of %.0f GFLOP/s,"
              + " %5.1f of %.1f GB/s; append %6.1f µs, portable %6.1f%n",
          format,
          tokens,
          before,
          1e6 * times[1],
          1e6 * times[0],
          flops / times[1] / 1e9,
          peak / 1e9,
          bytes / times[1] / 1e9,
          limit / 1e9,
          1e6 * times[3],
          1e6 * times[2]);
      portable.forEach(KvPages::close);
      coded.forEach(KvPages::close);
    }
  }

  private static MemorySegment random(Arena arena, int count) {
    var segment = arena.allocate(4L * count, 64);
    for (int i = 0; i < count; i++) {
      segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i));
    }
    return segment;
  }
}
