package org.fusionc.ir.interpret;

import org.fusionc.ir.backend.Tensor;
import org.jspecify.annotations.Nullable;

/** A quantised tensor as it lies in memory, and the numbers that it stands for once needed. */
public final class Packed implements Datum {
  private final Tensor tensor;
  private @Nullable Array numbers;

  Packed(Tensor tensor) {
    this.tensor = tensor;
  }

  /** The packed bytes. */
  public Tensor tensor() {
    return tensor;
  }

  /** The numbers, which f32 holds exactly but for asymmetric ones; kept. */
  public Array numbers() {
    if (numbers == null) {
      numbers = Quantized.unpack(tensor, org.fusionc.ir.DType.Scalar.F32);
    }
    return numbers;
  }

  @Override
  public long bytes() {
    return tensor.data().byteSize() + (numbers == null ? 0 : numbers.bytes());
  }

  @Override
  public String toString() {
    return tensor.type().toString();
  }
}
