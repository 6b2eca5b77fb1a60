package org.fusionc.backend.cpu.jit;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Prefetch;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows of quantised activations by blocks of quantised weights, in {@link
 * IntegerFormat}.
 *
 * <p>A group's integer products are summed exactly; the sums, scaled by the activations' and then
 * the weights' scale, are added up in f32 in the order of the groups. So neither {@code rows} nor
 * {@code blocks} nor the target changes a bit of the result.
 *
 * @param rows rows of activations in the tile
 * @param blocks blocks of weights in the tile
 * @param ahead how many bytes ahead to fetch weights; 0 leaves it to the processor
 */
record IntegerTile(IntegerFormat format, int rows, int blocks, int ahead)
    implements Kernels.Description {

  /**
   * Computes the tile.
   *
   * @param x the first row of activations
   * @param rowBytes how far apart rows are
   * @param w the first block of weights
   * @param blockBytes how far apart blocks are
   * @param groups groups along k
   * @param y f32, where row 0 of the result begins
   * @param yBytes how far apart the result's rows are
   * @param bias f32, one for each channel of the tile; 0 if there is none
   */
  static void run(
      MachineCode code,
      long x,
      long rowBytes,
      long w,
      long blockBytes,
      long groups,
      long y,
      long yBytes,
      long bias) {
    code.call(x, rowBytes, w, blockBytes, groups, y, yBytes, bias);
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final IntegerTile tile;
    private final IntegerFormat format;
    private final int rows;
    private final int blocks;
    private final Code c;
    private final boolean narrow;

    private final Gp stride;
    private final Gp count;
    private final Gp y;
    private final Gp data;
    private final Gp scales;
    private final List<Gp> x = new ArrayList<>();
    private final List<Gp> w = new ArrayList<>();

    private final List<Vec> sums;
    private final List<Vec> totals;
    private final List<Vec> low;
    private final List<Vec> high;

    /** Whether the upper nibbles, or the magnitudes, have registers of their own. */
    private final boolean apart;

    private final Vec repeated;
    private final Vec nibbles;
    private final Vec spare;
    private final Vec ones;

    Generator(IntegerTile tile) {
      this.tile = tile;
      format = tile.format;
      rows = tile.rows;
      blocks = tile.blocks;
      int pointers = (rows - 1) / 3 + blocks - 1;
      c = new Code(format.target(), pointers + 2);
      narrow = format.type().width() == 4;
      x.add(c.argument(0));
      stride = c.argument(1);
      w.add(c.argument(2));
      count = c.argument(4);
      y = c.argument(5);
      data = c.gp();
      scales = c.gp();
      for (int r = 3; r < rows; r += 3) {
        x.add(c.gp());
      }
      for (int b = 1; b < blocks; b++) {
        w.add(c.gp());
      }
      sums = c.vecs(rows * blocks);
      totals = c.vecs(rows * blocks);
      low = c.vecs(blocks);
      boolean wide = format.target().isAvx512();
      apart = (narrow && wide) || (!narrow && !format.target().dotsBytes());
      high = apart ? c.vecs(blocks) : low;
      repeated = c.vec();
      nibbles = narrow ? c.vec() : repeated;
      spare = format.target().dotsBytes() ? repeated : c.vec();
      ones = format.target().dotsBytes() ? repeated : c.vec();
    }

    byte[] generate() {
      var asm = c.asm;
      constants();
      for (int i = 1; i < x.size(); i++) {
        asm.lea(x.get(i), Address.at(x.get(i - 1), stride, 2, 0));
        asm.add(x.get(i), stride);
      }
      for (int b = 1; b < blocks; b++) {
        asm.lea(w.get(b), Address.at(w.get(b - 1), c.argument(3), 1, 0));
      }
      asm.mov(data, 0);
      asm.imul(scales, count, format.groupBytes());
      totals.forEach(c::zero);
      var done = new Label();
      asm.test(count, count);
      asm.jcc(Condition.E, done);
      asm.align(64);
      var loop = asm.here();
      group();
      x.forEach(pointer -> asm.add(pointer, format.rowGroupBytes()));
      asm.add(data, format.groupBytes());
      asm.add(scales, format.scaleBytes());
      asm.sub(count, 1);
      asm.jcc(Condition.NE, loop);
      asm.bind(done);
      c.finishTile(totals, blocks, y, data);
      return c.finish();
    }

    private void constants() {
      if (narrow) {
        c.repeat(nibbles, data, 0x0F0F_0F0F);
      }
      if (!format.target().dotsBytes()) {
        c.repeat(ones, data, 0x0001_0001);
      }
    }

    private Address row(int r, int at) {
      var base = x.get(r / 3);
      return r % 3 == 0 ? Address.at(base, at) : Address.at(base, stride, r % 3, at);
    }

    private Address weights(int b, Gp index, int at) {
      return Address.at(w.get(b), index, 1, at);
    }

    private Vec sum(int r, int b) {
      return sums.get(r * blocks + b);
    }

    private void group() {
      for (int r = 0; r < rows; r++) {
        for (int b = 0; b < blocks; b++) {
          if (format.zero() == 0) {
            c.zero(sum(r, b));
          } else {
            c.repeat(sum(r, b), row(r, 0));
          }
        }
      }
      int vector = format.target().vector();
      for (int k = 0; k < format.group(); k += format.perVector()) {
        int at = k / format.perVector() * vector;
        for (int b = 0; b < blocks; b++) {
          fetch(b, at);
        }
        for (int b = 0; b < blocks; b++) {
          first(b, at);
        }
        products(k, low);
        if (narrow) {
          if (!apart) {
            for (int b = 0; b < blocks; b++) {
              second(b, at);
            }
          }
          products(k + 4, high);
        }
      }
      scale();
    }

    private void fetch(int b, int at) {
      if (tile.ahead > 0 && at % 64 == 0) {
        c.asm.prefetch(Prefetch.T0, weights(b, data, at + tile.ahead));
      }
    }

    /** The weights' bytes as the products want them. */
    private void first(int b, int at) {
      var from = weights(b, data, at);
      if (!narrow) {
        c.load(low.get(b), from);
        if (apart) {
          c.emit(Instruction.VPABSB, high.get(b), low.get(b));
        }
      } else if (apart) {
        c.load(low.get(b), from);
        c.emit(Instruction.VPSRLW, high.get(b), low.get(b), Operand.imm(4));
        c.and(low.get(b), low.get(b), nibbles);
        c.and(high.get(b), high.get(b), nibbles);
      } else {
        c.and(low.get(b), nibbles, from);
      }
    }

    private void second(int b, int at) {
      c.load(low.get(b), weights(b, data, at));
      c.emit(Instruction.VPSRLW, low.get(b), low.get(b), Operand.imm(4));
      c.and(low.get(b), low.get(b), nibbles);
    }

    private void products(int k, List<Vec> bytes) {
      for (int r = 0; r < rows; r++) {
        var four = row(r, format.headBytes() + k);
        if (blocks == 1 && format.target().isAvx512()) {
          c.emit(Instruction.VPDPBUSD, sum(r, 0), bytes.get(0), four.repeated());
          continue;
        }
        c.repeat(repeated, four);
        for (int b = 0; b < blocks; b++) {
          product(sum(r, b), bytes.get(b), b);
        }
      }
    }

    private void product(Vec sum, Vec bytes, int b) {
      if (format.target().dotsBytes()) {
        c.emit(Instruction.VPDPBUSD, sum, bytes, repeated);
        return;
      }
      if (narrow) {
        c.emit(Instruction.VPMADDUBSW, spare, bytes, repeated);
      } else {
        // |w| is unsigned, and the activations take w's sign.
        c.emit(Instruction.VPSIGNB, spare, repeated, low.get(b));
        c.emit(Instruction.VPMADDUBSW, spare, high.get(b), spare);
      }
      c.emit(Instruction.VPMADDWD, spare, spare, ones);
      c.emit(Instruction.VPADDD, sum, sum, spare);
    }

    private void scale() {
      int half = format.target().vector() / 2;
      for (int b = 0; b < blocks; b++) {
        c.emit(Instruction.VCVTPH2PS, low.get(b), weights(b, scales, 0));
      }
      for (int r = 0; r < rows; r++) {
        c.repeat(repeated, row(r, 4));
        for (int b = 0; b < blocks; b++) {
          var sum = sum(r, b);
          c.emit(Instruction.VCVTDQ2PS, sum, sum);
          c.emit(Instruction.VMULPS, sum, sum, repeated);
          c.emit(Instruction.VFMADD231PS, totals.get(r * blocks + b), sum, low.get(b));
        }
      }
      if (format.type().asymmetric()) {
        for (int b = 0; b < blocks; b++) {
          c.emit(Instruction.VCVTPH2PS, low.get(b), weights(b, scales, half));
        }
        for (int r = 0; r < rows; r++) {
          c.repeat(repeated, row(r, 8));
          for (int b = 0; b < blocks; b++) {
            c.emit(Instruction.VFMADD231PS, totals.get(r * blocks + b), low.get(b), repeated);
          }
        }
      }
    }
  }
}
