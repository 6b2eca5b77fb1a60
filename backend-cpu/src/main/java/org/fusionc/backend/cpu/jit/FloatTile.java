package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows of activations by blocks of floating-point weights, in {@link
 * FloatLayout}.
 *
 * <p>Every sum has one accumulator, to which products are added in the order of k, one by one with
 * fused multiply-adds, or pair by pair where bf16 pairs are multiplied. So neither {@code rows} nor
 * {@code blocks} changes a bit of the result.
 *
 * <p>Called as {@link IntegerTile#run}, with steps in place of groups.
 *
 * @param rows rows of activations in the tile
 * @param blocks blocks of weights in the tile
 */
record FloatTile(FloatLayout layout, int rows, int blocks) implements Kernels.Description {

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final FloatLayout layout;
    private final int rows;
    private final int blocks;
    private final int vector;
    private final Code c;
    private final Gp stride;
    private final Gp count;
    private final Gp y;
    private final Gp data;
    private final List<Gp> x = new ArrayList<>();
    private final List<Gp> w = new ArrayList<>();
    private final List<Vec> totals;
    private final List<Vec> weights;
    private final Vec repeated;

    /** Keeps the upper half of each lane. */
    private final Vec upper;

    Generator(FloatTile tile) {
      layout = tile.layout;
      rows = tile.rows;
      blocks = tile.blocks;
      vector = layout.target().vector();
      c = new Code(layout.target(), (rows - 1) / 3 + blocks);
      x.add(c.argument(0));
      stride = c.argument(1);
      w.add(c.argument(2));
      count = c.argument(4);
      y = c.argument(5);
      data = c.gp();
      for (int r = 3; r < rows; r += 3) {
        x.add(c.gp());
      }
      for (int b = 1; b < blocks; b++) {
        w.add(c.gp());
      }
      totals = c.vecs(rows * blocks);
      weights = c.vecs(blocks);
      repeated = c.vec();
      upper = isSplit() ? c.vec() : repeated;
    }

    /** Whether pairs of bf16 are taken apart, to be multiplied as f32. */
    private boolean isSplit() {
      return layout.format() == org.fusionc.backend.cpu.kernel.FloatFormat.BF16
          && !layout.dotsHalves();
    }

    byte[] generate() {
      var asm = c.asm;
      if (isSplit()) {
        c.repeat(upper, data, 0xFFFF_0000);
      }
      for (int i = 1; i < x.size(); i++) {
        asm.lea(x.get(i), Address.at(x.get(i - 1), stride, 2, 0));
        asm.add(x.get(i), stride);
      }
      for (int b = 1; b < blocks; b++) {
        asm.lea(w.get(b), Address.at(w.get(b - 1), c.argument(3), 1, 0));
      }
      asm.mov(data, 0);
      totals.forEach(c::zero);
      var done = new Label();
      asm.test(count, count);
      asm.jcc(Condition.E, done);
      asm.align(64);
      var loop = asm.here();
      step();
      x.forEach(pointer -> asm.add(pointer, FloatLayout.STEP * layout.elementBytes()));
      asm.add(data, FloatLayout.STEP * layout.format().bytes() * layout.target().lanes());
      asm.sub(count, 1);
      asm.jcc(Condition.NE, loop);
      asm.bind(done);
      c.finishTile(totals, blocks, y, data);
      return c.finish();
    }

    private void step() {
      switch (layout.format()) {
        case F32 -> {
          for (int k = 0; k < FloatLayout.STEP; k++) {
            for (int b = 0; b < blocks; b++) {
              c.load(weights.get(b), weights(b, k * vector));
            }
            products(4 * k);
          }
        }
        case F16 -> {
          for (int k = 0; k < FloatLayout.STEP; k++) {
            for (int b = 0; b < blocks; b++) {
              c.emit(VCVTPH2PS, weights.get(b), weights(b, k * vector / 2));
            }
            products(4 * k);
          }
        }
        case BF16 -> {
          for (int pair = 0; pair < FloatLayout.STEP / 2; pair++) {
            if (layout.dotsHalves()) {
              pairs(pair);
            } else {
              apart(pair);
            }
          }
        }
      }
    }

    private void pairs(int pair) {
      for (int b = 0; b < blocks; b++) {
        c.load(weights.get(b), weights(b, pair * vector));
      }
      products(4 * pair);
    }

    private void apart(int pair) {
      for (int b = 0; b < blocks; b++) {
        c.load(weights.get(b), weights(b, pair * vector));
        c.emit(VPSLLD, weights.get(b), weights.get(b), Operand.imm(16));
      }
      products(8 * pair);
      for (int b = 0; b < blocks; b++) {
        c.and(weights.get(b), upper, weights(b, pair * vector));
      }
      products(8 * pair + 4);
    }

    private void products(int at) {
      var multiply = layout.dotsHalves() ? VDPBF16PS : VFMADD231PS;
      for (int r = 0; r < rows; r++) {
        c.repeat(repeated, row(r, at));
        for (int b = 0; b < blocks; b++) {
          c.emit(multiply, totals.get(r * blocks + b), weights.get(b), repeated);
        }
      }
    }

    private Address weights(int b, int at) {
      return Address.at(w.get(b), data, 1, at);
    }

    private Address row(int r, int at) {
      var base = x.get(r / 3);
      return r % 3 == 0 ? Address.at(base, at) : Address.at(base, stride, r % 3, at);
    }
  }
}
