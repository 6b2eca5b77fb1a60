package org.fusionc.backend.cpu.kernel;

import org.fusionc.ir.DType;

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

  /** The format of a dtype that is one of them. */
  public static FloatFormat of(DType.Scalar dtype) {
    return valueOf(dtype.name());
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
