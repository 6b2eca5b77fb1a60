package org.fusionc.backend.cpu.jit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.fusionc.backend.cpu.x86.Assembler;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * A function under construction for a target: hands out registers, and says the few things that
 * AVX2 and AVX-512 say in different ways.
 */
final class Code {
  /** Registers that a function may use freely, then those that it must save; arguments apart. */
  private static final List<Gp> SCRATCH = List.of(Gp.RAX, Gp.R10, Gp.R11);

  private static final List<Gp> SAVED = List.of(Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15);

  final Assembler asm = new Assembler();
  final Target target;
  private final int savedCount;
  private final Deque<Gp> free = new ArrayDeque<>();
  private final Deque<Integer> freeVectors = new ArrayDeque<>();

  /**
   * Begins a function.
   *
   * @param registers how many general registers it takes besides its arguments
   */
  Code(Target target, int registers) {
    this.target = target;
    free.addAll(SCRATCH);
    savedCount = Math.max(0, registers - SCRATCH.size());
    for (var register : SAVED.subList(0, savedCount)) {
      asm.push(register);
      free.add(register);
    }
    for (int i = 0; i < target.registers(); i++) {
      freeVectors.add(i);
    }
  }

  /** Ends it. */
  byte[] finish() {
    asm.vzeroupper();
    for (var register : SAVED.subList(0, savedCount).reversed()) {
      asm.pop(register);
    }
    asm.ret();
    return asm.toBytes();
  }

  Gp argument(int index) {
    return MachineCode.ARGUMENTS.get(index);
  }

  /** Argument 6, 7 or 8. */
  Address onStack(int argument) {
    return MachineCode.onStack(argument, savedCount);
  }

  Gp gp() {
    return free.remove();
  }

  Vec vec() {
    return Vec.of(target.vector(), freeVectors.remove());
  }

  List<Vec> vecs(int count) {
    var all = new ArrayList<Vec>();
    for (int i = 0; i < count; i++) {
      all.add(vec());
    }
    return List.copyOf(all);
  }

  void emit(Instruction instruction, Operand... operands) {
    asm.emit(instruction, operands);
  }

  void zero(Vec register) {
    // The 128-bit form clears all of it.
    var low = register.as(16);
    if (register.number() < 16) {
      emit(Instruction.VPXOR, low, low, low);
    } else {
      emit(Instruction.VPXORD, low, low, low);
    }
  }

  void and(Vec to, Vec a, Operand b) {
    emit(target.isAvx512() ? Instruction.VPANDD : Instruction.VPAND, to, a, b);
  }

  void or(Vec to, Vec a, Operand b) {
    emit(target.isAvx512() ? Instruction.VPORD : Instruction.VPOR, to, a, b);
  }

  void load(Vec to, Address from) {
    emit(Instruction.VMOVUPS, to, from);
  }

  void store(Address to, Vec from) {
    emit(Instruction.VMOVUPS_STORE, to, from);
  }

  /** A 32-bit element of memory in all lanes. */
  void repeat(Vec to, Address from) {
    emit(Instruction.VBROADCASTSS, to, from);
  }

  /** A 32-bit number in all lanes. */
  void repeat(Vec to, Gp by, int value) {
    asm.mov(by, value & 0xFFFF_FFFFL);
    emit(Instruction.VMOVD, to.as(16), by);
    emit(Instruction.VPBROADCASTD, to, to.as(16));
  }

  /** Combines all lanes with an instruction, so that every lane holds the result. */
  void fold(Vec lanes, Vec other, Instruction combine) {
    if (target.isAvx512()) {
      emit(Instruction.VSHUFF32X4, other, lanes, lanes, Operand.imm(0b01_00_11_10));
      emit(combine, lanes, lanes, other);
      emit(Instruction.VSHUFF32X4, other, lanes, lanes, Operand.imm(0b10_11_00_01));
    } else {
      emit(Instruction.VPERM2F128, other, lanes, lanes, Operand.imm(1));
    }
    emit(combine, lanes, lanes, other);
    emit(Instruction.VPSHUFD, other, lanes, Operand.imm(0b01_00_11_10));
    emit(combine, lanes, lanes, other);
    emit(Instruction.VPSHUFD, other, lanes, Operand.imm(0b10_11_00_01));
    emit(combine, lanes, lanes, other);
  }
}
