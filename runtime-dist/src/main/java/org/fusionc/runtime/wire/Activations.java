package org.fusionc.runtime.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.proto.WireTensor;

/** Tensors as messages: encoded once, into the array that the message then holds. */
public final class Activations {
  private Activations() {}

  /**
   * A tensor's rows as they travel.
   *
   * @param data of the port's dtype and shape in such a batch
   */
  public static ByteString encode(Port port, Tensor data, int tokens, int outputs) {
    int rows = port.rows(tokens, outputs);
    var bytes = new byte[Math.toIntExact(rows * port.rowBytes())];
    port.encoding()
        .encode(data.data(), port.dtype(), rows, port.width(), MemorySegment.ofArray(bytes));
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  /** Rows that travel as they are, one after another. */
  public static ByteString concat(List<MemorySegment> rows) {
    var bytes = new byte[Math.toIntExact(rows.stream().mapToLong(MemorySegment::byteSize).sum())];
    var to = MemorySegment.ofArray(bytes);
    long at = 0;
    for (var row : rows) {
      MemorySegment.copy(row, 0, to, at, row.byteSize());
      at += row.byteSize();
    }
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  /** The message of a port's tensor whose rows have been encoded already. */
  public static WireTensor tensor(Port port, int tokens, int outputs, ByteString data) {
    return WireTensor.newBuilder()
        .setName(port.name())
        .setEncoding(port.encoding().proto())
        .addAllShape(port.shape(tokens, outputs))
        .setData(data)
        .build();
  }
}
