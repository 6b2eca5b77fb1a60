package org.fusionc.backend.cpu.jit;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Prefetch;

/**
 * Describes a kernel: the products of rows of queries with the keys of groups of positions.
 *
 * <p>A score is one chain of fused multiply-adds over the elements in ascending order, whatever the
 * tile.
 *
 * @param rows query rows
 * @param groups groups that are done at a time
 */
record ScoreTile(AttentionLayout layout, int rows, int groups) implements Kernels.Description {
  private static final int STEP = 4;

  /**
   * Computes.
   *
   * @param q f32 [rows, keyDim]
   * @param table addresses of groups of keys; the ones after the last are asked for ahead of time
   * @param tiles how many times {@code groups}; at least 1
   * @param scores the first row's first score
   */
  static void run(MachineCode code, long q, long table, long tiles, long scores) {
    code.call(q, table, tiles, scores, 0, 0);
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final ScoreTile tile;
    private final AttentionLayout layout;
    private final int perGroup;
    private final Code c;
    private final Gp x;
    private final Gp data;
    private final List<Gp> keys = new ArrayList<>();
    private final List<Gp> next = new ArrayList<>();
    private final AttentionSums sums;

    Generator(ScoreTile tile) {
      this.tile = tile;
      layout = tile.layout;
      perGroup = layout.vectorsPerGroup();
      c = new Code(layout.target(), 1 + 2 * tile.groups);
      x = c.argument(4);
      data = c.gp();
      for (int g = 0; g < tile.groups; g++) {
        keys.add(c.gp());
        next.add(c.gp());
      }
      sums = new AttentionSums(c, layout, tile.rows, tile.groups * perGroup);
    }

    byte[] generate() {
      var asm = c.asm;
      Gp table = c.argument(1);
      Gp tiles = c.argument(2);
      Gp scores = c.argument(3);
      Gp count = c.argument(5);
      asm.align(64);
      var loop = asm.here();
      for (int g = 0; g < tile.groups; g++) {
        asm.mov(keys.get(g), Address.at(table, 8 * g));
        asm.mov(next.get(g), Address.at(table, 8 * (tile.groups + g)));
      }
      sums.clear();
      asm.mov(x, c.argument(0));
      asm.mov(data, 0);
      int whole = layout.keyDim() / STEP;
      if (whole > 0) {
        asm.mov(count, whole);
        asm.align(64);
        var inner = asm.here();
        for (int i = 0; i < STEP; i++) {
          step(i);
        }
        asm.add(x, STEP * Float.BYTES);
        asm.add(data, STEP * layout.keyStepBytes());
        asm.sub(count, 1);
        asm.jcc(Condition.NE, inner);
      }
      for (int i = 0; i < layout.keyDim() % STEP; i++) {
        step(i);
      }
      sums.store(scores, AttentionLayout.SCORE_BYTES);
      asm.add(table, 8 * tile.groups);
      asm.add(scores, tile.groups * perGroup * layout.target().vector());
      asm.sub(tiles, 1);
      asm.jcc(Condition.NE, loop);
      return c.finish();
    }

    private void step(int i) {
      boolean half = layout.format() == FloatFormat.F16;
      int at = i * layout.keyStepBytes();
      for (int g = 0; g < tile.groups; g++) {
        for (int v = 0; v < perGroup; v++) {
          var from = Address.at(keys.get(g), data, 1, at + v * layout.vectorBytes());
          sums.load(g * perGroup + v, from);
        }
        if (!half || i % 2 == 0) {
          c.asm.prefetch(Prefetch.T0, Address.at(next.get(g), data, 1, at));
        }
      }
      sums.add(x, Float.BYTES * i, Float.BYTES * layout.keyDim());
    }
  }
}
