package org.fusionc.runtime.wire;

import java.util.List;
import org.fusionc.ir.DType;

/**
 * A tensor that goes into a stage or comes out of it.
 *
 * @param name of the value, without the {@code %}
 * @param dims its dimensions without the first if {@code rows} is TOKEN or OUTPUT, else all
 * @param rows what the first dimension counts
 * @param encoding how it travels
 * @param ids for token ids how many there are: elements must be from 0 to ids - 1; 0 if the
 *     elements are not ids
 */
public record Port(
    String name, DType.Scalar dtype, List<Long> dims, Rows rows, Encoding encoding, long ids) {

  /** What a tensor's first dimension counts. */
  public enum Rows {
    /** The batch's tokens. */
    TOKEN,
    /** The batch's wanted outputs; such a tensor matters to no cache. */
    OUTPUT,
    /** Nothing of the batch: the shape is always the same. */
    FIXED
  }

  public Port {
    dims = List.copyOf(dims);
  }

  public Port withEncoding(Encoding other) {
    return new Port(name, dtype, dims, rows, other, ids);
  }

  /** Elements of one row. */
  public long width() {
    return dims.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
  }

  /** Bytes of one row on the wire. */
  public long rowBytes() {
    return encoding.rowBytes(dtype, width());
  }

  /** How many rows there are in a batch. */
  public int rows(int tokens, int outputs) {
    return switch (rows) {
      case TOKEN -> tokens;
      case OUTPUT -> outputs;
      case FIXED -> 1;
    };
  }

  /** The tensor's shape in a batch. */
  public List<Long> shape(int tokens, int outputs) {
    if (rows == Rows.FIXED) {
      return dims;
    }
    var shape = new java.util.ArrayList<Long>(dims.size() + 1);
    shape.add((long) rows(tokens, outputs));
    shape.addAll(dims);
    return shape;
  }
}
