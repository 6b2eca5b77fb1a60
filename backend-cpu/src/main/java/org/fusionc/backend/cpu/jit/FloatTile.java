package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows of activations by blocks of floating-point weights, in {@link
 * FloatLayout}.
 *
 * <p>Every sum has one accumulator, to which products are added in the order of k, one by one with
 * fused multiply-adds, or pair by pair where bf16 pairs are multiplied. So {@code rows} does not
 * change a bit of the result.
 *
 * @param rows rows of activations in a tile
 */
record FloatTile(FloatLayout layout, int rows, TileCode.Along along, TileCode.Ahead ahead)
    implements Kernels.Description {

  /** How far ahead weights are asked for. */
  private static final int AHEAD = 4096;

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator extends TileCode {
    private final FloatLayout layout;
    private final int vector;
    private final List<Vec> weights;
    private final Vec repeated;

    /** Keeps the upper half of each lane. */
    private final Vec upper;

    Generator(FloatTile tile) {
      super(tile.layout, tile.rows, tile.along, tile.ahead, AHEAD);
      layout = tile.layout;
      vector = layout.target().vector();
      weights = c.vecs(blocks);
      repeated = c.vec();
      upper = isSplit() ? c.vec() : repeated;
    }

    /** Whether pairs of bf16 are taken apart, to be multiplied as f32. */
    private boolean isSplit() {
      return layout.format() == FloatFormat.BF16 && !layout.dotsHalves();
    }

    @Override
    void constants(Gp temporary) {
      if (isSplit()) {
        c.repeat(upper, temporary, 0xFFFF_0000);
      }
    }

    @Override
    void step() {
      ahead();
      switch (layout.format()) {
        case F32 -> {
          for (int k = 0; k < FloatLayout.STEP; k++) {
            for (int b = 0; b < blocks; b++) {
              c.load(weights.get(b), weights(k, b, vector));
            }
            products(4 * k);
          }
        }
        case F16 -> {
          for (int k = 0; k < FloatLayout.STEP; k++) {
            for (int b = 0; b < blocks; b++) {
              c.emit(VCVTPH2PS, weights.get(b), weights(k, b, vector / 2));
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

    /** A single row is done with a line so soon that the processor sees far enough by itself. */
    private void ahead() {
      if (rows == 1) {
        return;
      }
      int whole = layout.offset(PanelLayout.BLOCKS);
      for (int row = 0; row < layout.stepBytes(); row += whole) {
        for (int at = 0; at < layout.offset(blocks); at += LINE) {
          prefetch(row + at);
        }
      }
    }

    private void pairs(int pair) {
      for (int b = 0; b < blocks; b++) {
        c.load(weights.get(b), weights(pair, b, vector));
      }
      products(4 * pair);
    }

    private void apart(int pair) {
      for (int b = 0; b < blocks; b++) {
        c.load(weights.get(b), weights(pair, b, vector));
        c.emit(VPSLLD, weights.get(b), weights.get(b), Operand.imm(16));
      }
      products(8 * pair);
      for (int b = 0; b < blocks; b++) {
        c.and(weights.get(b), upper, weights(pair, b, vector));
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

    private Address weights(int row, int b, int bytes) {
      return Address.at(w, (row * PanelLayout.BLOCKS + b) * bytes);
    }
  }
}
