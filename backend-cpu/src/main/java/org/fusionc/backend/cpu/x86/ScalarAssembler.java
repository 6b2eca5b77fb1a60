package org.fusionc.backend.cpu.x86;

import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Operand.Register;

/**
 * The scalar instructions, jumps and labels. Registers are used at their full 64 bits unless a name
 * ends in 32, which clears the upper half of what it writes.
 */
public sealed class ScalarAssembler permits Assembler {

  /** Conditions by their number in the encoding; {@code B} and {@code A} compare unsigned. */
  public enum Condition {
    B(2),
    AE(3),
    E(4),
    NE(5),
    BE(6),
    A(7),
    S(8),
    NS(9),
    L(12),
    GE(13),
    LE(14),
    G(15);

    private final int number;

    Condition(int number) {
      this.number = number;
    }
  }

  /** Two-operand arithmetic by its number in the encoding. */
  public enum Arithmetic {
    ADD(0),
    OR(1),
    AND(4),
    SUB(5),
    XOR(6),
    CMP(7);

    private final int number;

    Arithmetic(int number) {
      this.number = number;
    }
  }

  /** Shifts by their number in the encoding. */
  public enum Shift {
    SHL(4),
    SHR(5),
    SAR(7);

    private final int number;

    Shift(int number) {
      this.number = number;
    }
  }

  /** How soon and how often the memory that a prefetch asks for will be used. */
  public enum Prefetch {
    /** Once. */
    NTA(0),
    /** Soon: into every cache. */
    T0(1),
    /** Into the second-level cache. */
    T1(2);

    private final int number;

    Prefetch(int number) {
      this.number = number;
    }
  }

  /** No-ops of 1 to 8 bytes. */
  private static final int[][] FILL = {
    {0x90},
    {0x66, 0x90},
    {0x0F, 0x1F, 0x00},
    {0x0F, 0x1F, 0x40, 0x00},
    {0x0F, 0x1F, 0x44, 0x00, 0x00},
    {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
    {0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00},
    {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
  };

  final CodeBuffer code = new CodeBuffer();
  private int unbound;

  ScalarAssembler() {}

  /**
   * The code so far.
   *
   * @throws IllegalStateException if a jump goes to a label that was never bound
   */
  public byte[] toBytes() {
    if (unbound > 0) {
      throw new IllegalStateException(unbound + " jumps go to labels that are not bound");
    }
    return code.toArray();
  }

  /** Bytes of code so far. */
  public int size() {
    return code.size();
  }

  public void mov(Gp to, Gp from) {
    op64(0x8B, to.number(), from);
  }

  public void mov(Gp to, Address from) {
    op64(0x8B, to.number(), from);
  }

  public void mov(Address to, Gp from) {
    op64(0x89, from.number(), to);
  }

  public void mov32(Gp to, Address from) {
    op32(0x8B, to.number(), from);
  }

  public void mov32(Address to, Gp from) {
    op32(0x89, from.number(), to);
  }

  /** Stores the lowest 16 bits. */
  public void mov16(Address to, Gp from) {
    code.put(0x66);
    op32(0x89, from.number(), to);
  }

  /** Any 64-bit number, in the shortest way. */
  public void mov(Gp to, long value) {
    if (value == (value & 0xFFFF_FFFFL)) {
      if (to.number() > 7) {
        code.put(0x41);
      }
      code.put(0xB8 | (to.number() & 7));
      code.put32((int) value);
    } else if (value == (int) value) {
      op64(0xC7, 0, to);
      code.put32((int) value);
    } else {
      code.put(0x48 | to.number() >> 3);
      code.put(0xB8 | (to.number() & 7));
      code.put64(value);
    }
  }

  /** The address itself. */
  public void lea(Gp to, Address of) {
    op64(0x8D, to.number(), of);
  }

  public void arithmetic(Arithmetic op, Gp to, Gp by) {
    op64(op.number << 3 | 3, to.number(), by);
  }

  public void arithmetic(Arithmetic op, Gp to, Address by) {
    op64(op.number << 3 | 3, to.number(), by);
  }

  public void arithmetic(Arithmetic op, Gp to, int by) {
    if (CodeBuffer.isByte(by)) {
      op64(0x83, op.number, to);
      code.put(by);
    } else if (to == Gp.RAX) {
      code.put(0x48);
      code.put(op.number << 3 | 5);
      code.put32(by);
    } else {
      op64(0x81, op.number, to);
      code.put32(by);
    }
  }

  public void add(Gp to, int by) {
    arithmetic(Arithmetic.ADD, to, by);
  }

  public void add(Gp to, Gp by) {
    arithmetic(Arithmetic.ADD, to, by);
  }

  public void sub(Gp to, int by) {
    arithmetic(Arithmetic.SUB, to, by);
  }

  public void cmp(Gp to, Gp by) {
    arithmetic(Arithmetic.CMP, to, by);
  }

  public void test(Gp a, Gp b) {
    op64(0x85, b.number(), a);
  }

  public void imul(Gp to, Gp by) {
    prefix(1, to.number(), by);
    code.put(0x0F);
    code.put(0xAF);
    code.modRm(to.number(), by, 1);
  }

  public void imul(Gp to, Gp from, int by) {
    boolean isShort = CodeBuffer.isByte(by);
    op64(isShort ? 0x6B : 0x69, to.number(), from);
    if (isShort) {
      code.put(by);
    } else {
      code.put32(by);
    }
  }

  public void shift(Shift op, Gp register, int by) {
    if (by < 2 || by > 63) {
      throw new IllegalArgumentException("shifts go by 2 to 63 bits here, not " + by);
    }
    op64(0xC1, op.number, register);
    code.put(by);
  }

  public void prefetch(Prefetch hint, Address at) {
    prefix(0, hint.number, at);
    code.put(0x0F);
    code.put(0x18);
    code.modRm(hint.number, at, 1);
  }

  public void push(Gp register) {
    if (register.number() > 7) {
      code.put(0x41);
    }
    code.put(0x50 | (register.number() & 7));
  }

  public void pop(Gp register) {
    if (register.number() > 7) {
      code.put(0x41);
    }
    code.put(0x58 | (register.number() & 7));
  }

  public void ret() {
    code.put(0xC3);
  }

  public void cpuid() {
    code.put(0x0F);
    code.put(0xA2);
  }

  public void xgetbv() {
    code.put(0x0F);
    code.put(0x01);
    code.put(0xD0);
  }

  /** Sets a label to the place that is written next. */
  public void bind(Label label) {
    label.bind(code.size());
    for (int at : label.waiting()) {
      code.set32(at, code.size() - (at + 4));
      unbound--;
    }
  }

  /** A label at the place that is written next. */
  public Label here() {
    var label = new Label();
    bind(label);
    return label;
  }

  /** Fills with no-ops up to a multiple of {@code alignment}, a power of two. */
  public void align(int alignment) {
    int missing = -code.size() & (alignment - 1);
    while (missing > 0) {
      int length = Math.min(missing, FILL.length);
      for (int octet : FILL[length - 1]) {
        code.put(octet);
      }
      missing -= length;
    }
  }

  public void jmp(Label to) {
    if (isNear(to)) {
      code.put(0xEB);
      code.put(to.position() - (code.size() + 1));
    } else {
      code.put(0xE9);
      distance(to);
    }
  }

  public void jcc(Condition condition, Label to) {
    if (isNear(to)) {
      code.put(0x70 | condition.number);
      code.put(to.position() - (code.size() + 1));
    } else {
      code.put(0x0F);
      code.put(0x80 | condition.number);
      distance(to);
    }
  }

  /** Backward jumps know how far they go; forward ones keep room for any distance. */
  private boolean isNear(Label to) {
    return to.isBound() && to.position() - (code.size() + 2) >= Byte.MIN_VALUE;
  }

  private void distance(Label to) {
    if (to.isBound()) {
      code.put32(to.position() - (code.size() + 4));
    } else {
      to.waiting().add(code.size());
      unbound++;
      code.put32(0);
    }
  }

  private void op64(int opcode, int reg, Operand rm) {
    prefix(1, reg, rm);
    code.put(opcode);
    code.modRm(reg, rm, 1);
  }

  private void op32(int opcode, int reg, Operand rm) {
    prefix(0, reg, rm);
    code.put(opcode);
    code.modRm(reg, rm, 1);
  }

  private void prefix(int w, int reg, Operand rm) {
    int index = rm instanceof Address a && a.index() != null ? a.index().number() : 0;
    int base = rm instanceof Address a ? a.base().number() : ((Register) rm).number();
    int rex = w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
    if (rex != 0) {
      code.put(0x40 | rex);
    }
  }
}
