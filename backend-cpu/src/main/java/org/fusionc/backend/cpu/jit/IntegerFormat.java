package org.fusionc.backend.cpu.jit;

import org.fusionc.ir.DType;

/**
 * Weights of a quantised type.
 *
 * <p><b>Weights.</b> A step is a group, and has two pairs of blocks. A pair is vectors of bytes, of
 * either block in turn, four bytes to a lane: elements {@code 4i … 4i+3} of a lane's channel; with
 * 4 bits, of two such vectors, the second in the upper nibbles. So a tile reads a panel from its
 * beginning to its end. Then, for each block, a vector of f16 scales, and of asymmetric types, for
 * each block, one of f16 minima. A stored integer is the type's plus {@link #zero}.
 *
 * <p><b>Activations.</b> A row is, for each group: {@code -zero · Σq} (i32), with which the sum of
 * products begins; the scale (f32); of asymmetric types {@code scale · Σq} (f32); the integers.
 *
 * @param type what the weights are
 */
record IntegerFormat(DType.Quantized type, Target target) implements PanelLayout {

  int group() {
    return type.group();
  }

  int groups(int k) {
    return Math.ceilDiv(k, group());
  }

  /**
   * What is added to an integer to store it. The byte dot product wants it unsigned; without one,
   * its replacement wants bytes signed, for products of unsigned bytes would overflow it.
   */
  int zero() {
    if (type.width() == 4) {
      return type.asymmetric() ? 0 : 8;
    }
    int signed = type.asymmetric() ? -128 : 0;
    return target.dotsBytes() ? signed + 128 : signed;
  }

  /** Bytes of a group's integers in a block of weights. */
  int groupBytes() {
    return group() * type.width() / 8 * target.lanes();
  }

  /** Bytes of a group's scales, and minima, in a block of weights. */
  int scaleBytes() {
    return (type.asymmetric() ? 2 : 1) * 2 * target.lanes();
  }

  /** Elements along k in one vector of weights. */
  int perVector() {
    return type.width() == 4 ? 8 : 4;
  }

  @Override
  public int steps(int k) {
    return groups(k);
  }

  @Override
  public int stepBytes() {
    return BLOCKS * (groupBytes() + scaleBytes());
  }

  /** Where the scales of a block begin in a step; the minima of a pair follow its scales. */
  int scalesAt(int block) {
    return offset(block / 2 * 2) + 2 * groupBytes() + block % 2 * 2 * target.lanes();
  }

  /** Where the integers of a block for elements from {@code k} on begin in a step. */
  int integersAt(int block, int k) {
    int vector = 2 * (k / perVector()) + block % 2;
    return offset(block / 2 * 2) + vector * target.vector();
  }

  @Override
  public int offset(int block) {
    return block * (groupBytes() + scaleBytes());
  }

  /** Bytes before the integers of a group of activations. */
  int headBytes() {
    return type.asymmetric() ? 12 : 8;
  }

  @Override
  public int rowStepBytes() {
    return headBytes() + group();
  }

  @Override
  public long rowBytes(int k) {
    return (long) groups(k) * rowStepBytes();
  }

  @Override
  public int mostRows() {
    return target.isAvx512() ? 6 : target.dotsBytes() ? 3 : 2;
  }

  @Override
  public int blocksFor(int rows) {
    if (rows > 2) {
      return 2;
    }
    return target.isAvx512() || (rows == 1 && target.dotsBytes()) ? 4 : 2;
  }

  @Override
  public Kernels.Description kernel(int rows, TileCode.Along along, TileCode.Ahead ahead) {
    return new IntegerTile(this, rows, along, ahead);
  }
}
