package org.fusionc.backend.cpu.x86;

import org.fusionc.backend.cpu.x86.Instruction.Coding;
import org.fusionc.backend.cpu.x86.Instruction.Memory;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Operand.Imm;
import org.fusionc.backend.cpu.x86.Operand.Register;
import org.jspecify.annotations.Nullable;

/**
 * Writes machine code: vector instructions by the table {@link Instruction}, the scalar ones that
 * {@link ScalarAssembler} has, labels.
 *
 * <p>Operands come in the order of the manufacturers' manuals, the destination first.
 */
public final class Assembler extends ScalarAssembler {

  /**
   * Writes an instruction on all lanes.
   *
   * @throws IllegalArgumentException if it has no such form
   */
  public void emit(Instruction instruction, Operand... operands) {
    emit(instruction, null, operands);
  }

  /**
   * Writes an instruction on some lanes of its destination (AVX-512).
   *
   * @param lanes null for all of them
   * @throws IllegalArgumentException if it has no such form
   */
  public void emit(Instruction instruction, Mask.@Nullable Lanes lanes, Operand... operands) {
    var row = instruction.row();
    int vector = vectorBytes(operands);
    check(instruction, vector, operands);
    var rm = operands[row.order().of('M')];
    int regAt = row.order().of('R');
    int reg = regAt < 0 ? row.extension() : ((Register) operands[regAt]).number();
    int extraAt = row.order().of('V');
    int extra = extraAt < 0 ? 0 : ((Register) operands[extraAt]).number();
    int unit = 1;
    if (needsEvex(instruction, vector, lanes, operands)) {
      evex(row, vector, reg, extra, rm, lanes);
      unit = rm instanceof Address a ? row.memory().bytes(vector, a.broadcast()) : 1;
    } else {
      vex(row, vector, reg, extra, rm);
    }
    code.put(row.opcode());
    code.modRm(reg, rm, unit);
    int immediateAt = row.order().of('I');
    if (immediateAt >= 0) {
      code.put(((Imm) operands[immediateAt]).value());
    }
  }

  /** Clears the upper parts of the vector registers: due before other code runs. */
  public void vzeroupper() {
    code.put(0xC5);
    code.put(0xF8);
    code.put(0x77);
  }

  private static int vectorBytes(Operand... operands) {
    int most = 16;
    for (var operand : operands) {
      if (operand instanceof Vec vec) {
        most = Math.max(most, vec.bytes());
      }
    }
    return most;
  }

  private static void check(Instruction instruction, int vector, Operand... operands) {
    var row = instruction.row();
    var order = row.order();
    boolean right = operands.length == order.name().length() && vector >= row.from();
    for (int i = 0; right && i < operands.length; i++) {
      right =
          switch (order.name().charAt(i)) {
            case 'R' -> operands[i] instanceof Register r && row.reg().fits(r, vector);
            case 'V' -> operands[i] instanceof Register r && row.extra().fits(r, vector);
            case 'I' -> operands[i] instanceof Imm;
            default ->
                switch (operands[i]) {
                  case Address a ->
                      row.memory() != Memory.NONE && (!a.broadcast() || row.memory().repeatable());
                  case Register r -> !row.onMemoryOnly() && row.rm().fits(r, vector);
                  case Imm _ -> false;
                };
          };
    }
    if (!right) {
      throw new IllegalArgumentException(
          instruction.mnemonic() + " has no form for " + java.util.List.of(operands));
    }
  }

  private static boolean needsEvex(
      Instruction instruction, int vector, Mask.@Nullable Lanes lanes, Operand... operands) {
    boolean needed = vector == 64 || lanes != null || instruction.row().coding() == Coding.EVEX;
    for (var operand : operands) {
      needed |= operand instanceof Vec v && v.number() > 15;
      needed |= operand instanceof Address a && a.broadcast();
    }
    if (needed && instruction.row().coding() == Coding.VEX) {
      throw new IllegalArgumentException(instruction.mnemonic() + " has no AVX-512 form");
    }
    return needed;
  }

  private void vex(Instruction.Row row, int vector, int reg, int extra, Operand rm) {
    int r = ~reg >> 3 & 1;
    int x = ~indexOf(rm) >> 3 & 1;
    int b = ~baseOf(rm) >> 3 & 1;
    int w = row.w();
    int rest = (~extra & 15) << 3 | (vector == 32 ? 4 : 0) | row.prefix();
    if (row.map() == 1 && w == 0 && x == 1 && b == 1) {
      code.put(0xC5);
      code.put(r << 7 | rest);
    } else {
      code.put(0xC4);
      code.put(r << 7 | x << 6 | b << 5 | row.map());
      code.put(w << 7 | rest);
    }
  }

  private void evex(
      Instruction.Row row, int vector, int reg, int extra, Operand rm, Mask.@Nullable Lanes lanes) {
    int rmHigh = rm instanceof Address ? indexOf(rm) >> 3 : baseOf(rm) >> 4;
    boolean broadcast = rm instanceof Address a && a.broadcast();
    code.put(0x62);
    code.put(
        (~reg >> 3 & 1) << 7
            | (~rmHigh & 1) << 6
            | (~baseOf(rm) >> 3 & 1) << 5
            | (~reg >> 4 & 1) << 4
            | row.map());
    code.put(row.w() << 7 | (~extra & 15) << 3 | 4 | row.prefix());
    code.put(
        (lanes != null && lanes.zeroing() ? 0x80 : 0)
            | (vector == 64 ? 2 : vector == 32 ? 1 : 0) << 5
            | (broadcast ? 0x10 : 0)
            | (~extra >> 4 & 1) << 3
            | (lanes == null ? 0 : lanes.mask().number()));
  }

  private static int indexOf(Operand rm) {
    return rm instanceof Address a && a.index() != null ? a.index().number() : 0;
  }

  private static int baseOf(Operand rm) {
    return switch (rm) {
      case Address a -> a.base().number();
      case Register r -> r.number();
      case Imm _ -> 0;
    };
  }
}
