package org.fusionc.backend.cpu.kernel;

/** How a floating-point number is stored. All kernels compute in f32 (or wider). */
public enum FloatFormat {
  /** IEEE binary32. */
  F32(4),
  /** IEEE binary16. */
  F16(2),
  /** The upper half of a binary32. */
  BF16(2);

  private final int bytes;

  FloatFormat(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
