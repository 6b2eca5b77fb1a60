package org.fusionc.backend.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.fusionc.backend.cpu.x86.Instruction.Coding;
import org.fusionc.backend.cpu.x86.Instruction.Memory;
import org.fusionc.backend.cpu.x86.Instruction.Order;
import org.fusionc.backend.cpu.x86.Instruction.Part;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every row of the table, over all registers and addressing modes, against an independent
 * assembler.
 */
class InstructionTest {

  @TempDir Path folder;

  private final Listing listing = new Listing();

  @Test
  void encodesAsBinutilsDoes() throws Exception {
    for (var instruction : Instruction.values()) {
      for (int vector : new int[] {16, 32, 64}) {
        if (exists(instruction, vector)) {
          registers(instruction, vector);
          memory(instruction, vector);
          lanes(instruction, vector);
        }
      }
    }
    assertThat(listing.size()).isGreaterThan(20_000);
    listing.check(folder);
  }

  private static boolean exists(Instruction instruction, int vector) {
    var row = instruction.row();
    boolean wholes = row.reg() == Part.WHOLE || row.rm() == Part.WHOLE || row.extra() == Part.WHOLE;
    boolean scalar = row.memory() == Memory.SCALAR && row.reg() == Part.XMM;
    return vector >= row.from()
        && (vector == 16 || (wholes && !scalar && !isMaskMove(row)))
        && (vector < 64 || row.coding() != Coding.VEX);
  }

  private static boolean isMaskMove(Instruction.Row row) {
    return row.rm() == Part.GP && row.reg() == Part.MASK;
  }

  private static int registersOf(Instruction instruction) {
    return instruction.row().coding() == Coding.VEX ? 16 : 32;
  }

  private static Operand operand(Instruction instruction, int at, int vector, int number) {
    var row = instruction.row();
    var part =
        switch (row.order().name().charAt(at)) {
          case 'R' -> row.reg();
          case 'V' -> row.extra();
          case 'M' -> row.rm();
          default -> null;
        };
    return part == null
        ? Operand.imm(number * 37 & 255)
        : switch (part) {
          case GP -> Gp.values()[number & 15];
          case MASK -> Mask.values()[number & 7];
          case XMM -> Vec.of(16, number);
          case WHOLE -> Vec.of(vector, number);
          case HALF -> Vec.of(Math.max(16, vector / 2), number);
          case QUARTER -> Vec.of(Math.max(16, vector / 4), number);
        };
  }

  private static Operand[] operands(Instruction instruction, int vector, int... numbers) {
    var operands = new Operand[instruction.row().order().name().length()];
    for (int i = 0; i < operands.length; i++) {
      operands[i] = operand(instruction, i, vector, numbers[i]);
    }
    return operands;
  }

  private void registers(Instruction instruction, int vector) {
    if (instruction.row().onMemoryOnly()) {
      return;
    }
    int count = registersOf(instruction);
    for (int varied = 0; varied < instruction.row().order().name().length(); varied++) {
      for (int number = 0; number < count; number++) {
        int[] numbers = {1, 2, 3, 5};
        numbers[varied] = number;
        add(instruction, null, operands(instruction, vector, numbers));
      }
    }
    for (int bits = 0; bits < 16; bits++) {
      int[] numbers = new int[4];
      for (int i = 0; i < 4; i++) {
        numbers[i] = (bits >> i & 1) * (count / 2) + 7 - i;
      }
      add(instruction, null, operands(instruction, vector, numbers));
    }
  }

  private void memory(Instruction instruction, int vector) {
    var row = instruction.row();
    if (row.memory() == Memory.NONE) {
      return;
    }
    int[] low = {1, 2, 3, 5};
    int[] high = {9, 10, 11, 13};
    int last = registersOf(instruction) - 1;
    int[] highest = {last, last - 1, last - 2, 13};
    int bytes = row.memory().bytes(vector, false);
    for (var base : Gp.values()) {
      for (int displacement : new int[] {0, 4, 64, 4096}) {
        at(instruction, vector, low, Address.at(base, displacement));
      }
      for (var index : Gp.values()) {
        if (index != Gp.RSP) {
          int scale = 1 << (base.number() + index.number()) % 4;
          int displacement = (index.number() % 3) * 40 - 40;
          at(instruction, vector, low, Address.at(base, index, scale, displacement));
        }
      }
    }
    for (int times : new int[] {-129, -128, -127, -1, 1, 2, 126, 127, 128}) {
      for (int more : new int[] {0, 1}) {
        at(instruction, vector, high, Address.at(Gp.RAX, times * bytes + more));
        at(instruction, vector, highest, Address.at(Gp.R13, Gp.R9, 4, times * bytes + more));
      }
    }
    for (int displacement : new int[] {127, 128, -128, -129, 0x1234_5678, -0x1234_5678}) {
      at(instruction, vector, highest, Address.at(Gp.R12, displacement));
    }
    if (row.memory().repeatable() && row.coding() != Coding.VEX) {
      for (int displacement : new int[] {0, 4, 8, 508, 512, 1016, 1024, -512, -516, -1024, 3}) {
        at(instruction, vector, low, Address.at(Gp.RSI, displacement).repeated());
        at(instruction, vector, highest, Address.at(Gp.R14, Gp.RDI, 8, displacement).repeated());
      }
    }
  }

  private void at(Instruction instruction, int vector, int[] numbers, Address address) {
    var operands = operands(instruction, vector, numbers);
    operands[instruction.row().order().of('M')] = address;
    if (vectorIsSaid(vector, operands) || instruction.row().reg() == Part.XMM) {
      add(instruction, null, operands);
    }
  }

  /** A memory operand does not tell how long the vector is: some register must. */
  private static boolean vectorIsSaid(int vector, Operand... operands) {
    return vector == 16
        || Arrays.stream(operands).anyMatch(o -> o instanceof Vec v && v.bytes() == vector);
  }

  private void lanes(Instruction instruction, int vector) {
    var row = instruction.row();
    if (row.coding() == Coding.VEX || row.onMemoryOnly() || !takesMask(instruction)) {
      return;
    }
    for (var mask : Mask.values()) {
      if (mask != Mask.K0) {
        add(instruction, mask.merging(), operands(instruction, vector, 17, 2, 19, 5));
        if (row.reg() != Part.MASK) {
          add(instruction, mask.zeroing(), operands(instruction, vector, 3, 20, 5, 7));
        }
      }
    }
  }

  private static boolean takesMask(Instruction instruction) {
    return switch (instruction) {
      case VMOVD, VMOVD_STORE -> false;
      default -> true;
    };
  }

  private void add(Instruction instruction, Mask.@Nullable Lanes lanes, Operand... operands) {
    listing.add(text(instruction, lanes, operands), a -> a.emit(instruction, lanes, operands));
  }

  private static String text(
      Instruction instruction, Mask.@Nullable Lanes lanes, Operand... operands) {
    var row = instruction.row();
    boolean evex =
        row.coding() == Coding.EVEX
            || lanes != null
            || Arrays.stream(operands)
                .anyMatch(o ->
                    o instanceof Vec v && (v.number() > 15 || v.bytes() == 64)
                        || o instanceof Address a && a.broadcast());
    int vector =
        Arrays.stream(operands).mapToInt(o -> o instanceof Vec v ? v.bytes() : 16).max().orElse(16);
    var written =
        Arrays.stream(operands).map(o -> text(o, row, vector)).collect(Collectors.toList());
    if (lanes != null) {
      written.set(
          0,
          written.getFirst()
              + "{"
              + lanes.mask().name().toLowerCase(Locale.ROOT)
              + "}"
              + (lanes.zeroing() ? "{z}" : ""));
    }
    var way = row.order() == Order.MR ? "{store} " : row.order() == Order.RM ? "{load} " : "";
    return (evex ? "{evex} " : "{vex} ")
        + way
        + instruction.mnemonic()
        + " "
        + String.join(", ", written);
  }

  private static String text(Operand operand, Instruction.Row row, int vector) {
    return switch (operand) {
      case Address a -> {
        int bytes = row.memory().bytes(vector, a.broadcast());
        yield size(bytes)
            + " PTR "
            + ScalarTest.text(a)
            + (a.broadcast() ? "{1to" + vector / bytes + "}" : "");
      }
      case Operand.Imm(int value) -> Integer.toString(value);
      case Gp gp -> ScalarTest.name32(gp);
      case Mask mask -> mask.name().toLowerCase(Locale.ROOT);
      case Vec v -> (v.bytes() == 16 ? "xmm" : v.bytes() == 32 ? "ymm" : "zmm") + v.number();
    };
  }

  private static String size(int bytes) {
    return switch (bytes) {
      case 1 -> "BYTE";
      case 2 -> "WORD";
      case 4 -> "DWORD";
      case 8 -> "QWORD";
      case 16 -> "XMMWORD";
      case 32 -> "YMMWORD";
      default -> "ZMMWORD";
    };
  }

  @Test
  void refusesWhatTheInstructionDoesNotHave() {
    var assembler = new Assembler();
    Vec x = Vec.of(16, 1);
    Vec y = Vec.of(32, 1);
    assertThatThrownBy(() -> assembler.emit(Instruction.VADDPS, y, y, x))
        .hasMessageStartingWith("vaddps has no form for");
    assertThatThrownBy(() -> assembler.emit(Instruction.VADDPS, y, y))
        .hasMessageStartingWith("vaddps has no form for");
    assertThatThrownBy(() -> assembler.emit(Instruction.VPERMD, x, x, x))
        .hasMessageStartingWith("vpermd has no form for");
    assertThatThrownBy(() -> assembler.emit(Instruction.VMOVUPS, y, Address.at(Gp.RAX).repeated()))
        .hasMessageStartingWith("vmovups has no form for");
    assertThatThrownBy(() -> assembler.emit(Instruction.VPAND, y, y, Vec.of(32, 16)))
        .hasMessage("vpand has no AVX-512 form");
    assertThat(assembler.size()).isZero();
  }
}
