package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Pages;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;
import org.fusionc.ir.backend.Peak;

/** What the machine can do at most, measured: rates of an instruction, and read bandwidth. */
public final class Limits {
  private static final int ROUNDS = 20_000;
  private static final int CHAINS = 12;

  /** Memory that is read: so much more than caches hold that these hardly help. */
  private static final long READ_BYTES = 384L << 20;

  private Limits() {}

  /** Measures the machine with the instructions that the target's kernels use. */
  public static Peak measure(ComputePool pool, Target target) {
    double multiplyAdds = 2.0 * target.lanes() * rate(pool, target, Instruction.VFMADD231PS);
    var bytes = target.dotsBytes() ? Instruction.VPDPBUSD : Instruction.VPMADDUBSW;
    double halves =
        target.dotsHalves()
            ? 4.0 * target.lanes() * rate(pool, target, Instruction.VDPBF16PS)
            : multiplyAdds;
    try (var arena = Arena.ofShared()) {
      var memory = Pages.mapLarge(READ_BYTES, arena);
      memory.fill((byte) 1);
      return new Peak(
          bandwidth(pool, target, memory),
          Map.of(
              "f32",
              multiplyAdds,
              "f16",
              multiplyAdds,
              "bf16",
              halves,
              "int8",
              2.0 * target.vector() * rate(pool, target, bytes)));
    }
  }

  /** Instructions per second of one kind on all threads of the pool. */
  static double rate(ComputePool pool, Target target, Instruction instruction) {
    try (var arena = Arena.ofShared()) {
      var c = new Code(target, 0);
      var chains = c.vecs(CHAINS);
      var operand = c.vec();
      chains.forEach(c::zero);
      c.zero(operand);
      c.asm.align(64);
      var loop = c.asm.here();
      for (Vec chain : chains) {
        c.emit(instruction, chain, operand, operand);
      }
      c.asm.sub(c.argument(0), 1);
      c.asm.jcc(Condition.NE, loop);
      var code = MachineCode.of(c.finish(), arena);
      double seconds =
          best(() ->
              pool.parallelFor(pool.threads(), 1, (from, to) -> code.call(ROUNDS, 0, 0, 0, 0, 0)));
      return (double) ROUNDS * CHAINS * pool.threads() / seconds;
    }
  }

  /** Bytes per second that all threads read together. */
  static double bandwidth(ComputePool pool, Target target, MemorySegment memory) {
    try (var arena = Arena.ofShared()) {
      int chunk = 1 << 20;
      var c = new Code(target, 0);
      var sums = c.vecs(8);
      sums.forEach(c::zero);
      c.asm.align(64);
      // One stream: several at once are slower, large pages or not.
      var loop = c.asm.here();
      for (int i = 0; i < 8; i++) {
        var from = Address.at(c.argument(0), i * target.vector());
        c.emit(Instruction.VADDPS, sums.get(i), sums.get(i), from);
      }
      c.asm.add(c.argument(0), 8 * target.vector());
      c.asm.sub(c.argument(1), 8 * target.vector());
      c.asm.jcc(Condition.NE, loop);
      var code = MachineCode.of(c.finish(), arena);
      long chunks = memory.byteSize() / chunk;
      // All of it each time: a part of it might still lie in a cache.
      double seconds =
          best(() ->
              pool.parallelFor(
                  chunks,
                  1,
                  (first, end) -> {
                    for (long i = first; i < end; i++) {
                      code.call(memory.address() + i * chunk, chunk, 0, 0, 0, 0);
                    }
                  }));
      return chunks * chunk / seconds;
    }
  }

  static double best(Runnable work) {
    return best(List.of(work));
  }

  /**
   * Seconds of the fastest run of several that take turns, lest a cache help them. The machine is
   * shared, and what runs for long is interrupted: let each take few milliseconds at most.
   */
  static double best(List<Runnable> works) {
    long best = Long.MAX_VALUE;
    long end = System.nanoTime() + 400_000_000L;
    for (int i = 0; i < 3 * works.size() || System.nanoTime() < end; i++) {
      long start = System.nanoTime();
      works.get(i % works.size()).run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best / 1e9;
  }
}
