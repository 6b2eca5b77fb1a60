package org.fusionc.runtime.peer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.text.FirParser;
import org.fusionc.runtime.proto.Speed;

/** Measures this machine, in a second or two: what a plan wants to know of a device. */
public final class SpeedTest {
  private static final int ROWS = 64;
  private static final int WIDTH = 512;
  private static final long STEADY_NANOS = 200_000_000;
  private static final long LONGEST_NANOS = 5_000_000_000L;
  private static final int FEWEST_RUNS = 10;
  private static final long READ_BYTES = 128L << 20;

  private SpeedTest() {}

  /**
   * Measures how fast memory is read by all threads together, and how fast rows are multiplied with
   * f32 and bf16 weights.
   */
  public static Speed measure(Backend backend, int threads) {
    return Speed.newBuilder()
        .setBandwidth(bandwidth(threads))
        .putFlops("f32", flops(backend, threads, DType.Scalar.F32))
        .putFlops("bf16", flops(backend, threads, DType.Scalar.BF16))
        .build();
  }

  /** Per second, of a product of 64 rows with a matrix of 512 · 512. */
  private static double flops(Backend backend, int threads, DType.Scalar dtype) {
    var text =
        """
        fir 1.0
        dim T in [1, %1$d]
        dim S in [0, %1$d]
        weight @w : %2$s[%3$d, %3$d] = file("speed", "w")

        func @speed(%%x: f32[T, %3$d], %%at: batch<T, S>) -> f32[T, %3$d] {
          %%y = linear %%x, @w : f32[T, %3$d]
          return %%y
        }
        """
            .formatted(ROWS, dtype.toString().toLowerCase(Locale.ROOT), WIDTH);
    var module = FirParser.parse(text, "speed test", new Graph(), OpRegistry.builtIn());
    try (var arena = Arena.ofShared()) {
      var weight = Tensor.allocate(arena, dtype, WIDTH, WIDTH);
      // Any finite numbers do: ones in either dtype have this pattern in their upper half.
      fill(weight.data(), dtype == DType.Scalar.F32 ? 0x3f800000 : 0x3f803f80);
      var rows = Tensor.allocate(arena, DType.Scalar.F32, ROWS, WIDTH);
      fill(rows.data(), 0x3f800000);
      var legal = backend.legalize(module, "speed");
      try (var executable =
          backend.compile(
              legal, "speed", definition -> weight, new Backend.Options(threads, 1, 16))) {
        var batch = Batch.single(0, ROWS, new int[] {0});
        var inputs = List.of(rows);
        return 2.0 * ROWS * WIDTH * WIDTH / best(() -> executable.run(batch, inputs));
      }
    }
  }

  /**
   * Seconds that one run takes: the shortest, since whatever disturbs only makes it longer. Ends
   * when it has not become shorter for a while: on a busy machine code is slow for long before it
   * has been compiled.
   */
  private static double best(Runnable run) {
    long begin = System.nanoTime();
    long improved = begin;
    long best = Long.MAX_VALUE;
    for (int runs = 1; ; runs++) {
      long from = System.nanoTime();
      run.run();
      long now = System.nanoTime();
      if (now - from < best - best / 32) {
        improved = now;
      }
      best = Math.min(best, now - from);
      if ((runs >= FEWEST_RUNS && now - improved > STEADY_NANOS) || now - begin > LONGEST_NANOS) {
        return Math.max(best, 1) / 1e9;
      }
    }
  }

  private static void fill(MemorySegment memory, int pattern) {
    for (long i = 0; i < memory.byteSize() / 4; i++) {
      memory.setAtIndex(ValueLayout.JAVA_INT, i, pattern);
    }
  }

  private static double bandwidth(int threads) {
    try (var arena = Arena.ofShared()) {
      var memory = arena.allocate(READ_BYTES, 64);
      memory.fill((byte) 1);
      return READ_BYTES / best(() -> read(memory, threads));
    }
  }

  private static void read(MemorySegment memory, int threads) {
    var readers = new ArrayList<Thread>();
    long part = memory.byteSize() / threads / 64 * 64;
    for (int i = 0; i < threads; i++) {
      var slice = memory.asSlice(i * part, part);
      readers.add(Thread.ofPlatform().daemon().name("speed-" + i).start(() -> sum(slice)));
    }
    readers.forEach(org.fusionc.runtime.exec.Pipeline::join);
  }

  /** Sums go here, so that computing them is not left out. */
  private static final LongAdder SINK = new LongAdder();

  private static void sum(MemorySegment memory) {
    long total = 0;
    // Pieces whose length is an int, so that the loop is vectorised.
    int piece = 1 << 20;
    for (long at = 0; at < memory.byteSize(); at += piece) {
      var part = memory.asSlice(at, Math.min(piece, memory.byteSize() - at));
      int count = (int) (part.byteSize() / 8);
      long a = 0;
      for (int i = 0; i < count; i++) {
        a += part.getAtIndex(ValueLayout.JAVA_LONG, i);
      }
      total += a;
    }
    SINK.add(total);
  }
}
