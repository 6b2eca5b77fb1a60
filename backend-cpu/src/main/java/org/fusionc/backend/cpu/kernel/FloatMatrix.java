package org.fusionc.backend.cpu.kernel;

/** Rows of {@code k} floating numbers, one after the other. */
record FloatMatrix(long address, FloatFormat format, int k) implements WeightMatrix {
  @Override
  public WeightMatrix from(long row) {
    return new FloatMatrix(address + row * rowBytes(), format, k);
  }

  @Override
  public long rowBytes() {
    return (long) k * format.bytes();
  }

  @Override
  public void panel(long row, int rows, int slots, int from, int length, long target) {
    long first = address + (row * k + from) * format.bytes();
    Packing.panel(first, format, k, rows, slots, length, target);
  }

  @Override
  public void product(long x, long bias, long y, int from, int to) {
    Gemv.rows(x, address, format, bias, y, from, to, k);
  }
}
