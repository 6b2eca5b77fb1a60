package org.fusionc.backend.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MachineCodeTest {

  @BeforeEach
  void onlyWhereCodeRuns() {
    Assumptions.assumeTrue(MachineCode.isSupported(), "no x86-64 on Linux or macOS");
  }

  private static long run(Assembler code, long... arguments) {
    try (var arena = Arena.ofConfined()) {
      long[] six = java.util.Arrays.copyOf(arguments, 6);
      return MachineCode.of(code.toBytes(), arena)
          .call(six[0], six[1], six[2], six[3], six[4], six[5]);
    }
  }

  @Test
  void passesArgumentsInOrder() {
    for (int i = 0; i < 6; i++) {
      var code = new Assembler();
      code.mov(Gp.RAX, MachineCode.ARGUMENTS.get(i));
      code.ret();
      assertThat(run(code, 10, 11, 12, 13, 14, 15)).isEqualTo(10 + i);
    }
  }

  @Test
  void movesAnyNumber() {
    for (long number : new long[] {0, 1, -1, 1L << 31, -(1L << 31), 1L << 40, Long.MIN_VALUE}) {
      var code = new Assembler();
      code.mov(Gp.RAX, number);
      code.ret();
      assertThat(run(code)).isEqualTo(number);
    }
  }

  @Test
  void jumpsBackAndForthOverAnyDistance() {
    for (int filling : new int[] {0, 100, 200, 1000}) {
      var code = new Assembler();
      var done = new Label();
      code.mov(Gp.RAX, 0);
      var loop = code.here();
      code.test(Gp.RDI, Gp.RDI);
      code.jcc(Condition.E, done);
      code.add(Gp.RAX, Gp.RDI);
      for (int i = 0; i < filling; i++) {
        code.add(Gp.RSI, 1);
      }
      code.sub(Gp.RDI, 1);
      code.jmp(loop);
      code.bind(done);
      code.ret();
      assertThat(run(code, 10)).isEqualTo(55);
    }
  }

  @Test
  void fillsUpToABoundaryWithWhatDoesNothing() {
    for (int before = 0; before < 32; before++) {
      var code = new Assembler();
      code.mov(Gp.RAX, 7);
      for (int i = 0; i < before; i++) {
        code.push(Gp.RAX);
      }
      int size = code.size();
      code.align(32);
      assertThat(code.size()).isEqualTo((size + 31) / 32 * 32);
      for (int i = 0; i < before; i++) {
        code.pop(Gp.RAX);
      }
      code.ret();
      assertThat(run(code)).isEqualTo(7);
    }
  }

  @Test
  void computesWithVectors() {
    Assumptions.assumeTrue(Cpu.features().contains(Cpu.Feature.AVX2), "no AVX2 here");
    try (var arena = Arena.ofConfined()) {
      var x = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6, 7, 8);
      var y = arena.allocate(32, 32);
      var code = new Assembler();
      Vec a = Vec.of(32, 3);
      code.emit(Instruction.VMOVUPS, a, Address.at(Gp.RDI));
      code.emit(Instruction.VFMADD231PS, a, a, a);
      code.emit(Instruction.VMOVUPS_STORE, Address.at(Gp.RSI), a);
      code.vzeroupper();
      code.ret();
      run(code, x.address(), y.address());
      assertThat(y.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(2, 6, 12, 20, 30, 42, 56, 72);
    }
  }

  @Test
  void refusesJumpsToNowhere() {
    var code = new Assembler();
    code.jmp(new Label());
    assertThatThrownBy(code::toBytes).hasMessage("1 jumps go to labels that are not bound");
  }

  @Test
  void aFeatureImpliesWhatItBuildsOn() {
    var features = Cpu.features();
    if (features.contains(Cpu.Feature.AVX512BW)) {
      assertThat(features).contains(Cpu.Feature.AVX512F, Cpu.Feature.AVX2, Cpu.Feature.FMA);
    }
  }
}
