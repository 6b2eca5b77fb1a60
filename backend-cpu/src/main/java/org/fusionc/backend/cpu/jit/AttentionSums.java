package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * What the tiles of attention have in common: sums in registers, a row of vectors for each row of
 * the tile, to which products of a number and vectors from the cache are added. A sum is one chain
 * of fused multiply-adds in the order in which the products come, whatever the tile.
 */
final class AttentionSums {
  private final Code c;
  private final AttentionLayout layout;
  private final int rows;
  private final List<Vec> totals;
  private final List<Vec> loaded;
  private final Vec repeated;

  /** Takes the registers: for {@code rows} rows of {@code vectors} vectors. */
  AttentionSums(Code c, AttentionLayout layout, int rows, int vectors) {
    this.c = c;
    this.layout = layout;
    this.rows = rows;
    totals = c.vecs(rows * vectors);
    loaded = c.vecs(vectors);
    repeated = c.vec();
  }

  void clear() {
    totals.forEach(c::zero);
  }

  /** Loads a vector from the cache, as f32. */
  void load(int vector, Address from) {
    c.emit(layout.format() == FloatFormat.F16 ? VCVTPH2PS : VMOVUPS, loaded.get(vector), from);
  }

  /** Adds the loaded vectors to all rows, times a number each. */
  void add(Gp numbers, int at, int rowBytes) {
    for (int r = 0; r < rows; r++) {
      c.repeat(repeated, Address.at(numbers, at + r * rowBytes));
      for (int v = 0; v < loaded.size(); v++) {
        c.emit(VFMADD231PS, totals.get(r * loaded.size() + v), loaded.get(v), repeated);
      }
    }
  }

  void store(Gp to, int rowBytes) {
    for (int i = 0; i < totals.size(); i++) {
      int at = i / loaded.size() * rowBytes + i % loaded.size() * layout.target().vector();
      c.store(Address.at(to, at), totals.get(i));
    }
  }
}
