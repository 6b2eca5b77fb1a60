package org.fusionc.ir.interpret;

import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/** What a value is while the interpreter runs. */
public sealed interface Datum permits Array, Packed, KvCache, Datum.Ragged, Datum.Several {

  /** A ragged batch. */
  record Ragged(Batch batch) implements Datum {}

  /** The results of an op that has several. */
  record Several(List<Datum> parts) implements Datum {
    public Several {
      parts = List.copyOf(parts);
    }
  }

  /** Bytes held for a tensor; 0 for the others. */
  default long bytes() {
    return 0;
  }

  /** An {@link Array}, or {@link Packed} if the tensor is quantised. */
  static Datum of(Tensor tensor) {
    return tensor.dtype() instanceof DType.Quantized ? new Packed(tensor) : Array.of(tensor);
  }

  static Ragged of(Batch batch) {
    return new Ragged(batch);
  }
}
