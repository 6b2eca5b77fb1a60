package org.fusionc.backend.cpu.jit;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Arithmetic;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Prefetch;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * What kernels over {@link PanelLayout} have in common: the loops over tiles and over steps, the
 * pointers, and what happens with the sums. A kernel says what a step computes.
 */
abstract class TileCode {
  /** Where the tiles of one call lie. */
  enum Along {
    /** The same weights, rows below rows. */
    ROWS,
    /** The same rows, panels after panels; tiles are as wide as panels. */
    PANELS
  }

  /**
   * Which weights a tile asks for ahead of time.
   *
   * @param own those of its own panel, which comes from memory
   * @param next how many cache lines of another panel, with each step
   */
  record Ahead(boolean own, int next) {
    /** What is read as one stream. */
    static final Ahead STREAM = new Ahead(true, 0);
  }

  /** Bytes of a cache line. */
  static final int LINE = 64;

  final Code c;
  final int rows;
  final int blocks;

  /** Row by row, one accumulator for each block. */
  final List<Vec> totals;

  /** The step's weights. */
  final Gp w;

  private final PanelLayout layout;
  private final Along along;
  private final Ahead ahead;
  private final int distance;
  private final Gp stride;
  private final Gp count;
  private final Gp y;
  private final Gp left;
  private final Gp tiles;
  private final Gp temporary;

  /** What is asked for of another panel. */
  private final Gp next;

  /** Every third row. */
  private final List<Gp> x = new ArrayList<>();

  /**
   * Begins a kernel.
   *
   * @param distance how many bytes ahead of its own panel's weights are asked for
   */
  TileCode(PanelLayout layout, int rows, Along along, Ahead ahead, int distance) {
    this.layout = layout;
    this.rows = rows;
    this.along = along;
    this.ahead = ahead;
    this.distance = distance;
    blocks = layout.blocksFor(rows);
    boolean more = ahead.next > 0;
    c = new Code(layout.target(), 3 + (rows - 1) / 3 + (more ? 1 : 0));
    x.add(c.argument(0));
    stride = c.argument(1);
    w = c.argument(2);
    count = c.argument(3);
    y = c.argument(4);
    left = c.gp();
    tiles = c.gp();
    temporary = c.gp();
    next = more ? c.gp() : temporary;
    for (int r = 3; r < rows; r += 3) {
      x.add(c.gp());
    }
    totals = c.vecs(rows * blocks);
  }

  /**
   * Computes tiles.
   *
   * @param x the first row of activations
   * @param rowBytes how far apart rows are
   * @param w the weights' first step
   * @param steps along k
   * @param y f32, where row 0 of the result begins
   * @param yBytes how far apart the result's rows are
   * @param bias f32, one for each channel of the tiles; 0 if there is none
   * @param tiles how many; at least 1
   * @param next what is asked for of another panel begins here, if anything is
   */
  static void run(
      MachineCode code,
      long x,
      long rowBytes,
      long w,
      long steps,
      long y,
      long yBytes,
      long bias,
      long tiles,
      long next) {
    code.call(x, rowBytes, w, steps, y, yBytes, bias, tiles, next);
  }

  /** Loads what stays in registers; {@code temporary} may be used. */
  abstract void constants(Gp temporary);

  /** Adds a step's products to {@link #totals}. */
  abstract void step();

  /** Asks for the line that lies where bytes from {@code at} on of a step do, but ahead of it. */
  final void prefetch(int at) {
    if (ahead.own) {
      c.asm.prefetch(Prefetch.T0, Address.at(w, distance + at));
    }
  }

  /** Where step data of row {@code r} lies. */
  final Address row(int r, int at) {
    var base = x.get(r / 3);
    return r % 3 == 0 ? Address.at(base, at) : Address.at(base, stride, r % 3, at);
  }

  final byte[] generate() {
    var asm = c.asm;
    constants(temporary);
    if (ahead.next > 0) {
      asm.mov(next, c.onStack(8));
    }
    asm.mov(tiles, c.onStack(7));
    var tile = asm.here();
    for (int i = 1; i < x.size(); i++) {
      asm.lea(x.get(i), Address.at(x.get(i - 1), stride, 2, 0));
      asm.add(x.get(i), stride);
    }
    totals.forEach(c::zero);
    var done = new Label();
    asm.mov(left, count);
    asm.test(left, left);
    asm.jcc(Condition.E, done);
    asm.align(64);
    var loop = asm.here();
    for (int line = 0; line < ahead.next; line++) {
      asm.prefetch(Prefetch.T1, Address.at(next, line * LINE));
    }
    if (ahead.next > 0) {
      asm.add(next, ahead.next * LINE);
    }
    step();
    x.forEach(pointer -> asm.add(pointer, layout.rowStepBytes()));
    asm.add(w, layout.stepBytes());
    asm.sub(left, 1);
    asm.jcc(Condition.NE, loop);
    asm.bind(done);
    store();
    next();
    asm.sub(tiles, 1);
    asm.jcc(Condition.NE, tile);
    return c.finish();
  }

  /** Adds the bias and stores the tile; {@code y} is then at its last row. */
  private void store() {
    c.asm.mov(temporary, c.onStack(6));
    var unbiased = new Label();
    c.asm.test(temporary, temporary);
    c.asm.jcc(Condition.E, unbiased);
    for (int i = 0; i < totals.size(); i++) {
      var bias = Address.at(temporary, i % blocks * layout.target().vector());
      c.emit(Instruction.VADDPS, totals.get(i), totals.get(i), bias);
    }
    if (along == Along.PANELS) {
      c.asm.add(temporary, blocks * layout.target().vector());
      c.asm.mov(c.onStack(6), temporary);
    }
    c.asm.bind(unbiased);
    for (int i = 0; i < totals.size(); i++) {
      if (i > 0 && i % blocks == 0) {
        c.asm.add(y, c.argument(5));
      }
      c.store(Address.at(y, i % blocks * layout.target().vector()), totals.get(i));
    }
  }

  /** Moves the pointers on to the next tile. */
  private void next() {
    var asm = c.asm;
    asm.imul(temporary, count, layout.rowStepBytes());
    asm.arithmetic(Arithmetic.SUB, x.getFirst(), temporary);
    switch (along) {
      case ROWS -> {
        asm.imul(temporary, stride, rows);
        asm.add(x.getFirst(), temporary);
        asm.imul(temporary, count, layout.stepBytes());
        asm.arithmetic(Arithmetic.SUB, w, temporary);
        asm.add(y, c.argument(5));
      }
      case PANELS -> {
        asm.imul(temporary, c.argument(5), rows - 1);
        asm.arithmetic(Arithmetic.SUB, y, temporary);
        asm.add(y, blocks * layout.target().vector());
      }
    }
  }
}
