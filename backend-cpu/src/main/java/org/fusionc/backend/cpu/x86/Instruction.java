package org.fusionc.backend.cpu.x86;

import static org.fusionc.backend.cpu.x86.Instruction.Coding.*;
import static org.fusionc.backend.cpu.x86.Instruction.Memory.*;
import static org.fusionc.backend.cpu.x86.Instruction.Order.*;
import static org.fusionc.backend.cpu.x86.Instruction.Part.*;

import java.util.Locale;

/**
 * The vector instructions, a row each. Columns: the order of the operands; the mandatory prefix (0
 * none, 1 is 66, 2 is F3, 3 is F2), the opcode map (1 is 0F, 2 is 0F38, 3 is 0F3A) and the opcode;
 * the prefixes that can carry it; what memory operand it takes. Then, where they differ from the
 * usual, the W bits, the sizes of the operands, and the opcode's extension.
 */
public enum Instruction {
  VMOVUPS(row(RM, 0, 1, 0x10, BOTH, FULL)),
  VMOVUPS_STORE(row(MR, 0, 1, 0x11, BOTH, FULL)),
  VMOVAPS(row(RM, 0, 1, 0x28, BOTH, FULL)),
  VMOVAPS_STORE(row(MR, 0, 1, 0x29, BOTH, FULL)),
  VMOVNTPS(row(MR, 0, 1, 0x2B, BOTH, FULL).memoryOnly()),
  VMOVDQU8(row(RM, 3, 1, 0x6F, EVEX, FULL)),
  VMOVDQU8_STORE(row(MR, 3, 1, 0x7F, EVEX, FULL)),
  VMOVDQU16(row(RM, 3, 1, 0x6F, EVEX, FULL).w1()),
  VMOVDQU16_STORE(row(MR, 3, 1, 0x7F, EVEX, FULL).w1()),
  VMOVSS(row(RM, 2, 1, 0x10, BOTH, SCALAR).all(XMM).memoryOnly()),
  VMOVSS_STORE(row(MR, 2, 1, 0x11, BOTH, SCALAR).all(XMM).memoryOnly()),
  VMOVD(row(RM, 1, 1, 0x6E, BOTH, SCALAR).reg(XMM).rm(GP)),
  VMOVD_STORE(row(MR, 1, 1, 0x7E, BOTH, SCALAR).reg(XMM).rm(GP)),
  VBROADCASTSS(row(RM, 1, 2, 0x18, BOTH, SCALAR).rm(XMM).from(32)),
  VPBROADCASTD(row(RM, 1, 2, 0x58, BOTH, SCALAR).rm(XMM)),
  VPBROADCASTD_GP(row(RM, 1, 2, 0x7C, EVEX, NONE).rm(GP)),
  VBROADCASTI128(row(RM, 1, 2, 0x5A, VEX, SIXTEEN).from(32).memoryOnly()),
  VBROADCASTI32X4(row(RM, 1, 2, 0x5A, EVEX, SIXTEEN).from(32).memoryOnly()),
  VADDPS(row(RVM, 0, 1, 0x58, BOTH, REPEATABLE)),
  VMULPS(row(RVM, 0, 1, 0x59, BOTH, REPEATABLE)),
  VSUBPS(row(RVM, 0, 1, 0x5C, BOTH, REPEATABLE)),
  VMINPS(row(RVM, 0, 1, 0x5D, BOTH, REPEATABLE)),
  VDIVPS(row(RVM, 0, 1, 0x5E, BOTH, REPEATABLE)),
  VMAXPS(row(RVM, 0, 1, 0x5F, BOTH, REPEATABLE)),
  VSQRTPS(row(RM, 0, 1, 0x51, BOTH, REPEATABLE)),
  VANDPS(row(RVM, 0, 1, 0x54, BOTH, REPEATABLE)),
  VANDNPS(row(RVM, 0, 1, 0x55, BOTH, REPEATABLE)),
  VORPS(row(RVM, 0, 1, 0x56, BOTH, REPEATABLE)),
  VXORPS(row(RVM, 0, 1, 0x57, BOTH, REPEATABLE)),
  VUNPCKLPS(row(RVM, 0, 1, 0x14, BOTH, REPEATABLE)),
  VUNPCKHPS(row(RVM, 0, 1, 0x15, BOTH, REPEATABLE)),
  VSHUFPS(row(RVMI, 0, 1, 0xC6, BOTH, REPEATABLE)),
  VADDSS(row(RVM, 2, 1, 0x58, BOTH, SCALAR).all(XMM)),
  VMULSS(row(RVM, 2, 1, 0x59, BOTH, SCALAR).all(XMM)),
  VDIVSS(row(RVM, 2, 1, 0x5E, BOTH, SCALAR).all(XMM)),
  VFMADD213PS(row(RVM, 1, 2, 0xA8, BOTH, REPEATABLE)),
  VFMADD231PS(row(RVM, 1, 2, 0xB8, BOTH, REPEATABLE)),
  VFNMADD231PS(row(RVM, 1, 2, 0xBC, BOTH, REPEATABLE)),
  VFMADD231SS(row(RVM, 1, 2, 0xB9, BOTH, SCALAR).all(XMM)),
  VHADDPS(row(RVM, 3, 1, 0x7C, VEX, FULL)),
  VPAND(row(RVM, 1, 1, 0xDB, VEX, FULL)),
  VPANDD(row(RVM, 1, 1, 0xDB, EVEX, REPEATABLE)),
  VPOR(row(RVM, 1, 1, 0xEB, VEX, FULL)),
  VPORD(row(RVM, 1, 1, 0xEB, EVEX, REPEATABLE)),
  VPXOR(row(RVM, 1, 1, 0xEF, VEX, FULL)),
  VPXORD(row(RVM, 1, 1, 0xEF, EVEX, REPEATABLE)),
  VPTERNLOGD(row(RVMI, 1, 3, 0x25, EVEX, REPEATABLE)),
  VPADDB(row(RVM, 1, 1, 0xFC, BOTH, FULL)),
  VPADDW(row(RVM, 1, 1, 0xFD, BOTH, FULL)),
  VPADDD(row(RVM, 1, 1, 0xFE, BOTH, REPEATABLE)),
  VPSUBB(row(RVM, 1, 1, 0xF8, BOTH, FULL)),
  VPSUBD(row(RVM, 1, 1, 0xFA, BOTH, REPEATABLE)),
  VPMULLD(row(RVM, 1, 2, 0x40, BOTH, REPEATABLE)),
  VPMINSD(row(RVM, 1, 2, 0x39, BOTH, REPEATABLE)),
  VPMAXSD(row(RVM, 1, 2, 0x3D, BOTH, REPEATABLE)),
  VPABSB(row(RM, 1, 2, 0x1C, BOTH, FULL)),
  VPSIGNB(row(RVM, 1, 2, 0x08, VEX, FULL)),
  VPMADDUBSW(row(RVM, 1, 2, 0x04, BOTH, FULL)),
  VPMADDWD(row(RVM, 1, 1, 0xF5, BOTH, FULL)),
  VPDPBUSD(row(RVM, 1, 2, 0x50, BOTH, REPEATABLE)),
  VDPBF16PS(row(RVM, 2, 2, 0x52, EVEX, REPEATABLE)),
  VCVTNEPS2BF16(row(RM, 2, 2, 0x72, EVEX, NONE).reg(HALF).from(32)),
  VCVTNE2PS2BF16(row(RVM, 3, 2, 0x72, EVEX, REPEATABLE)),
  VPSRLW(row(VMI, 1, 1, 0x71, BOTH, NONE).extension(2)),
  VPSRAW(row(VMI, 1, 1, 0x71, BOTH, NONE).extension(4)),
  VPSLLW(row(VMI, 1, 1, 0x71, BOTH, NONE).extension(6)),
  VPSRLD(row(VMI, 1, 1, 0x72, BOTH, NONE).extension(2)),
  VPSRAD(row(VMI, 1, 1, 0x72, BOTH, NONE).extension(4)),
  VPSLLD(row(VMI, 1, 1, 0x72, BOTH, NONE).extension(6)),
  VPSHUFB(row(RVM, 1, 2, 0x00, BOTH, FULL)),
  VPSHUFD(row(RMI, 1, 1, 0x70, BOTH, REPEATABLE)),
  VPACKSSDW(row(RVM, 1, 1, 0x6B, BOTH, REPEATABLE)),
  VPACKSSWB(row(RVM, 1, 1, 0x63, BOTH, FULL)),
  VPUNPCKLBW(row(RVM, 1, 1, 0x60, BOTH, FULL)),
  VPUNPCKHBW(row(RVM, 1, 1, 0x68, BOTH, FULL)),
  VPUNPCKLWD(row(RVM, 1, 1, 0x61, BOTH, FULL)),
  VPUNPCKHWD(row(RVM, 1, 1, 0x69, BOTH, FULL)),
  VPERMD(row(RVM, 1, 2, 0x36, BOTH, REPEATABLE).from(32)),
  VPERMPS(row(RVM, 1, 2, 0x16, BOTH, REPEATABLE).from(32)),
  VPERMW(row(RVM, 1, 2, 0x8D, EVEX, FULL).w1()),
  VPERMT2D(row(RVM, 1, 2, 0x7E, EVEX, REPEATABLE)),
  VPERMQ(row(RMI, 1, 3, 0x00, BOTH, REPEATABLE64).w1().from(32)),
  VPERM2F128(row(RVMI, 1, 3, 0x06, VEX, FULL).from(32)),
  VSHUFF32X4(row(RVMI, 1, 3, 0x23, EVEX, REPEATABLE).from(32)),
  VPBLENDD(row(RVMI, 1, 3, 0x02, VEX, FULL)),
  VPMOVSXBW(row(RM, 1, 2, 0x20, BOTH, HALF_OF_IT).rm(HALF)),
  VPMOVSXBD(row(RM, 1, 2, 0x21, BOTH, QUARTER_OF_IT).rm(QUARTER)),
  VPMOVSXWD(row(RM, 1, 2, 0x23, BOTH, HALF_OF_IT).rm(HALF)),
  VPMOVZXBW(row(RM, 1, 2, 0x30, BOTH, HALF_OF_IT).rm(HALF)),
  VPMOVZXBD(row(RM, 1, 2, 0x31, BOTH, QUARTER_OF_IT).rm(QUARTER)),
  VPMOVZXWD(row(RM, 1, 2, 0x33, BOTH, HALF_OF_IT).rm(HALF)),
  VPMOVDB(row(MR, 2, 2, 0x31, EVEX, QUARTER_OF_IT).rm(QUARTER)),
  VPMOVDW(row(MR, 2, 2, 0x33, EVEX, HALF_OF_IT).rm(HALF)),
  VCVTDQ2PS(row(RM, 0, 1, 0x5B, BOTH, REPEATABLE)),
  VCVTPS2DQ(row(RM, 1, 1, 0x5B, BOTH, REPEATABLE)),
  VCVTTPS2DQ(row(RM, 2, 1, 0x5B, BOTH, REPEATABLE)),
  VCVTPH2PS(row(RM, 1, 2, 0x13, BOTH, HALF_OF_IT).rm(HALF)),
  VCVTPS2PH(row(MRI, 1, 3, 0x1D, BOTH, HALF_OF_IT).rm(HALF)),
  VROUNDPS(row(RMI, 1, 3, 0x08, VEX, FULL)),
  VRNDSCALEPS(row(RMI, 1, 3, 0x08, EVEX, REPEATABLE)),
  VSCALEFPS(row(RVM, 1, 2, 0x2C, EVEX, REPEATABLE)),
  VEXTRACTF128(row(MRI, 1, 3, 0x19, VEX, SIXTEEN).rm(XMM).from(32)),
  VEXTRACTF32X4(row(MRI, 1, 3, 0x19, EVEX, SIXTEEN).rm(XMM).from(32)),
  VEXTRACTF64X4(row(MRI, 1, 3, 0x1B, EVEX, HALF_OF_IT).w1().rm(HALF).from(64)),
  VINSERTF128(row(RVMI, 1, 3, 0x18, VEX, SIXTEEN).rm(XMM).from(32)),
  VINSERTF32X4(row(RVMI, 1, 3, 0x18, EVEX, SIXTEEN).rm(XMM).from(32)),
  VINSERTF64X4(row(RVMI, 1, 3, 0x1A, EVEX, HALF_OF_IT).w1().rm(HALF).from(64)),
  VCMPPS_MASK(row(RVMI, 0, 1, 0xC2, EVEX, REPEATABLE).reg(MASK)),
  KMOVW(row(RM, 0, 1, 0x92, VEX, NONE).all(GP).reg(MASK)),
  KMOVD(row(RM, 3, 1, 0x92, VEX, NONE).all(GP).reg(MASK)),
  VMOVMSKPS(row(RM, 0, 1, 0x50, VEX, NONE).reg(GP));

  /**
   * Which part of the encoding each operand goes to, in the order in which they are written: R the
   * register field, V the extra register of the prefix, M register or memory, I a number.
   */
  enum Order {
    RM,
    MR,
    RVM,
    RMI,
    MRI,
    RVMI,
    VMI;

    /** The place of a field among the operands; -1 if there is none. */
    int of(char field) {
      return name().indexOf(field);
    }
  }

  /** Which prefixes there are for an instruction. */
  enum Coding {
    VEX,
    EVEX,
    BOTH
  }

  /** What the M operand reads or writes if it is memory. */
  enum Memory {
    /** It must be a register. */
    NONE,
    /** A whole vector. */
    FULL,
    /** A whole vector, or one 32-bit element repeated (EVEX). */
    REPEATABLE,
    /** A whole vector, or one 64-bit element repeated (EVEX). */
    REPEATABLE64,
    HALF_OF_IT,
    QUARTER_OF_IT,
    /** One 32-bit element. */
    SCALAR,
    /** Sixteen bytes. */
    SIXTEEN;

    /** Bytes of the operand, by which EVEX also scales a short displacement. */
    int bytes(int vector, boolean broadcast) {
      return switch (this) {
        case NONE -> 1;
        case FULL -> vector;
        case REPEATABLE -> broadcast ? 4 : vector;
        case REPEATABLE64 -> broadcast ? 8 : vector;
        case HALF_OF_IT -> vector / 2;
        case QUARTER_OF_IT -> vector / 4;
        case SCALAR -> 4;
        case SIXTEEN -> 16;
      };
    }

    boolean repeatable() {
      return this == REPEATABLE || this == REPEATABLE64;
    }
  }

  /** What kind of register an operand is. */
  enum Part {
    WHOLE,
    HALF,
    QUARTER,
    XMM,
    GP,
    MASK;

    /** Whether a register is the one for an instruction on vectors of so many bytes. */
    boolean fits(Operand.Register register, int vector) {
      return switch (this) {
        case GP -> register instanceof Gp;
        case MASK -> register instanceof Mask;
        case WHOLE -> register instanceof Vec v && v.bytes() == vector;
        case XMM -> register instanceof Vec.Xmm;
        case HALF -> register instanceof Vec v && v.bytes() == Math.max(16, vector / 2);
        case QUARTER -> register instanceof Vec v && v.bytes() == Math.max(16, vector / 4);
      };
    }
  }

  /**
   * @param from the smallest vector that the instruction has, in bytes
   * @param extension the register field where it is part of the opcode, else -1
   */
  record Row(
      Order order,
      int prefix,
      int map,
      int opcode,
      Coding coding,
      Memory memory,
      int w,
      Part reg,
      Part extra,
      Part rm,
      int from,
      int extension,
      boolean onMemoryOnly) {

    Row w1() {
      return with(1, reg, extra, rm, from, extension, onMemoryOnly);
    }

    Row reg(Part part) {
      return with(w, part, extra, rm, from, extension, onMemoryOnly);
    }

    Row rm(Part part) {
      return with(w, reg, extra, part, from, extension, onMemoryOnly);
    }

    Row all(Part part) {
      return with(w, part, part, part, from, extension, onMemoryOnly);
    }

    Row from(int bytes) {
      return with(w, reg, extra, rm, bytes, extension, onMemoryOnly);
    }

    Row extension(int number) {
      return with(w, reg, extra, rm, from, number, onMemoryOnly);
    }

    Row memoryOnly() {
      return with(w, reg, extra, rm, from, extension, true);
    }

    private Row with(
        int w, Part reg, Part extra, Part rm, int from, int extension, boolean onMemoryOnly) {
      return new Row(
          order,
          prefix,
          map,
          opcode,
          coding,
          memory,
          w,
          reg,
          extra,
          rm,
          from,
          extension,
          onMemoryOnly);
    }
  }

  private static Row row(
      Order order, int prefix, int map, int opcode, Coding coding, Memory memory) {
    return new Row(
        order, prefix, map, opcode, coding, memory, 0, WHOLE, WHOLE, WHOLE, 16, -1, false);
  }

  @SuppressWarnings("ImmutableEnumChecker") // a record of numbers and enums
  private final Row row;

  Instruction(Row row) {
    this.row = row;
  }

  Row row() {
    return row;
  }

  /** The name that assemblers give it. */
  public String mnemonic() {
    return name().toLowerCase(Locale.ROOT).replaceAll("_.*", "");
  }
}
