package org.fusionc.backend.cpu.jit;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows of quantised activations by blocks of quantised weights, in {@link
 * IntegerFormat}. A step is a group.
 *
 * <p>A group's integer products are summed exactly; the sums, scaled by the activations' and then
 * the weights' scale, are added up in f32 in the order of the groups. So neither {@code rows} nor
 * the target changes a bit of the result.
 *
 * @param rows rows of activations in a tile
 */
record IntegerTile(IntegerFormat format, int rows, TileCode.Along along, TileCode.Ahead ahead)
    implements Kernels.Description {

  /**
   * How far ahead weights are asked for: the best of what was tried, from none to 12 KiB. With four
   * bits a line takes longer to work on, so that the processor sees less far ahead by itself.
   */
  private int distance() {
    return format.type().width() == 4 ? 4096 : 2048;
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator extends TileCode {
    private final IntegerFormat format;
    private final boolean narrow;

    private final List<Vec> sums;
    private final List<Vec> low;
    private final List<Vec> high;

    /** Whether the upper nibbles, or the magnitudes, have registers of their own. */
    private final boolean apart;

    private final Vec repeated;
    private final Vec nibbles;
    private final Vec spare;
    private final Vec ones;

    Generator(IntegerTile tile) {
      super(tile.format, tile.rows, tile.along, tile.ahead, tile.distance());
      format = tile.format;
      narrow = format.type().width() == 4;
      sums = c.vecs(rows * blocks);
      low = c.vecs(blocks);
      boolean wide = format.target().isAvx512();
      apart = (narrow && wide) || (!narrow && !format.target().dotsBytes());
      high = apart ? c.vecs(blocks) : low;
      repeated = c.vec();
      nibbles = narrow ? c.vec() : repeated;
      spare = format.target().dotsBytes() ? repeated : c.vec();
      ones = format.target().dotsBytes() ? repeated : c.vec();
    }

    @Override
    void constants(Gp temporary) {
      if (narrow) {
        c.repeat(nibbles, temporary, 0x0F0F_0F0F);
      }
      if (!format.target().dotsBytes()) {
        c.repeat(ones, temporary, 0x0001_0001);
      }
    }

    private Vec sum(int r, int b) {
      return sums.get(r * blocks + b);
    }

    @Override
    void step() {
      for (int r = 0; r < rows; r++) {
        for (int b = 0; b < blocks; b++) {
          if (format.zero() == 0) {
            c.zero(sum(r, b));
          } else {
            c.repeat(sum(r, b), row(r, 0));
          }
        }
      }
      // Pair after pair, as they lie in memory.
      for (int pair = 0; pair < blocks; pair += 2) {
        for (int k = 0; k < format.group(); k += format.perVector()) {
          products(pair, k);
        }
      }
      scale();
    }

    private Address scales(int b) {
      return Address.at(w, format.scalesAt(b));
    }

    private Address minima(int b) {
      return Address.at(w, format.scalesAt(b) + format.target().vector());
    }

    /** All rows by the elements from {@code k} on that one vector of each block holds. */
    private void products(int pair, int k) {
      for (int b = pair; b < pair + 2; b++) {
        prefetch(format.integersAt(b, k));
        first(b, Address.at(w, format.integersAt(b, k)));
      }
      products(pair, k, low);
      if (narrow) {
        if (!apart) {
          for (int b = pair; b < pair + 2; b++) {
            second(b, Address.at(w, format.integersAt(b, k)));
          }
        }
        products(pair, k + 4, high);
      }
    }

    /** The weights' bytes as the products want them. */
    private void first(int b, Address from) {
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

    private void second(int b, Address from) {
      c.load(low.get(b), from);
      c.emit(Instruction.VPSRLW, low.get(b), low.get(b), Operand.imm(4));
      c.and(low.get(b), low.get(b), nibbles);
    }

    private void products(int pair, int k, List<Vec> bytes) {
      for (int r = 0; r < rows; r++) {
        c.repeat(repeated, row(r, format.headBytes() + k));
        for (int b = pair; b < pair + 2; b++) {
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
      for (int b = 0; b < blocks; b++) {
        c.emit(Instruction.VCVTPH2PS, low.get(b), scales(b));
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
          c.emit(Instruction.VCVTPH2PS, low.get(b), minima(b));
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
