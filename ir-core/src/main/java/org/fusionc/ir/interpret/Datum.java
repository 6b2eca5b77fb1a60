package org.fusionc.ir.interpret;

import java.util.List;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/** What a value is while the interpreter runs. */
public sealed interface Datum permits Array, KvCache, Datum.Ragged, Datum.Several {

  /** A ragged batch. */
  record Ragged(Batch batch) implements Datum {}

  /** The results of an op that has several. */
  record Several(List<Datum> parts) implements Datum {
    public Several {
      parts = List.copyOf(parts);
    }
  }

  static Array of(Tensor tensor) {
    return Array.of(tensor);
  }

  static Ragged of(Batch batch) {
    return new Ragged(batch);
  }
}
