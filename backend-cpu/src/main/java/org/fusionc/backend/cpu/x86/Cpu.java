package org.fusionc.backend.cpu.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;
import org.fusionc.backend.cpu.x86.Operand.Address;

/** What this processor can do, as CPUID tells it, where the system saves the registers for it. */
public final class Cpu {

  /** Instruction set extensions that kernels ask for. */
  public enum Feature {
    FMA(1, 0, 'c', 12, 6),
    F16C(1, 0, 'c', 29, 6),
    AVX2(7, 0, 'b', 5, 6),
    AVX_VNNI(7, 1, 'a', 4, 6),
    AVX512F(7, 0, 'b', 16, 0xE6),
    AVX512DQ(7, 0, 'b', 17, 0xE6),
    AVX512BW(7, 0, 'b', 30, 0xE6),
    AVX512VL(7, 0, 'b', 31, 0xE6),
    AVX512_VNNI(7, 0, 'c', 11, 0xE6),
    AVX512_BF16(7, 1, 'a', 5, 0xE6);

    private final int leaf;
    private final int subleaf;
    private final char register;
    private final int bit;
    private final int saved;

    Feature(int leaf, int subleaf, char register, int bit, int saved) {
      this.leaf = leaf;
      this.subleaf = subleaf;
      this.register = register;
      this.bit = bit;
      this.saved = saved;
    }
  }

  private static final int OSXSAVE = 27;

  private static final Set<Feature> FEATURES = detect();

  private Cpu() {}

  /** The features of the processor that this runs on; none where machine code cannot be made. */
  public static Set<Feature> features() {
    return FEATURES;
  }

  private static Set<Feature> detect() {
    var found = EnumSet.noneOf(Feature.class);
    if (!MachineCode.isSupported()) {
      return found;
    }
    try (var arena = Arena.ofConfined()) {
      var cpuid = MachineCode.of(cpuidStub(), arena);
      var xgetbv = MachineCode.of(xgetbvStub(), arena);
      int most = leaf(cpuid, 0, 0, arena)[0];
      boolean savesVectors = (leaf(cpuid, 1, 0, arena)[2] >>> OSXSAVE & 1) != 0;
      long saved = savesVectors ? xgetbv.call(0, 0, 0, 0, 0, 0) : 0;
      for (var feature : Feature.values()) {
        boolean has =
            most >= feature.leaf
                && (saved & feature.saved) == feature.saved
                && subleaves(cpuid, feature.leaf, arena) >= feature.subleaf
                && (leaf(cpuid, feature.leaf, feature.subleaf, arena)[feature.register - 'a']
                            >>> feature.bit
                        & 1)
                    != 0;
        if (has) {
          found.add(feature);
        }
      }
    }
    return java.util.Collections.unmodifiableSet(found);
  }

  private static int subleaves(MachineCode cpuid, int leaf, Arena arena) {
    return leaf == 7 ? leaf(cpuid, 7, 0, arena)[0] : 0;
  }

  /** EAX, EBX, ECX, EDX of a leaf. */
  private static int[] leaf(MachineCode cpuid, int leaf, int subleaf, Arena arena) {
    MemorySegment out = arena.allocate(16, 4);
    cpuid.call(leaf, subleaf, out.address(), 0, 0, 0);
    return out.toArray(ValueLayout.JAVA_INT);
  }

  private static byte[] cpuidStub() {
    var asm = new Assembler();
    asm.push(Gp.RBX);
    asm.mov(Gp.R8, Gp.RDX);
    asm.mov(Gp.RAX, Gp.RDI);
    asm.mov(Gp.RCX, Gp.RSI);
    asm.cpuid();
    asm.mov32(Address.at(Gp.R8), Gp.RAX);
    asm.mov32(Address.at(Gp.R8, 4), Gp.RBX);
    asm.mov32(Address.at(Gp.R8, 8), Gp.RCX);
    asm.mov32(Address.at(Gp.R8, 12), Gp.RDX);
    asm.pop(Gp.RBX);
    asm.ret();
    return asm.toBytes();
  }

  private static byte[] xgetbvStub() {
    var asm = new Assembler();
    asm.mov(Gp.RCX, 0);
    asm.xgetbv();
    asm.shift(ScalarAssembler.Shift.SHL, Gp.RDX, 32);
    asm.arithmetic(ScalarAssembler.Arithmetic.OR, Gp.RAX, Gp.RDX);
    asm.ret();
    return asm.toBytes();
  }
}
