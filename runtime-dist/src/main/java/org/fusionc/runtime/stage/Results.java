package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.proto.BestLogits;
import org.fusionc.runtime.sampling.Logits;
import org.fusionc.runtime.wire.Activations;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.Port;

/**
 * What a stage makes of a frame, as it travels.
 *
 * @param rows per port, encoded
 * @param best of the last stage, if any output's largest logits are enough: one per output, empty
 *     for those that are whole, whose rows alone are among the first port's
 */
record Results(List<ByteString> rows, List<BestLogits> best) {
  /** All rows of all outputs. */
  static Results whole(List<Port> ports, List<Tensor> tensors, int tokens, int outputs) {
    var rows = new ArrayList<ByteString>();
    for (int i = 0; i < ports.size(); i++) {
      rows.add(Activations.encode(ports.get(i), tensors.get(i), tokens, outputs));
    }
    return new Results(rows, List.of());
  }

  /**
   * The largest logits of each output, or all.
   *
   * @param logits f32[outputs, V]
   * @param enough per output how many, 0 for all
   * @throws IllegalArgumentException if they are of another type
   */
  static Results best(Port port, Tensor logits, List<Integer> enough) {
    if (port.dtype() != DType.Scalar.F32 || port.encoding() != Encoding.PLAIN) {
      throw new IllegalArgumentException(
          "%%%s is %s as %s, but logits travel as plain f32"
              .formatted(port.name(), port.dtype(), port.encoding()));
    }
    long bytes = port.rowBytes();
    var whole = new ArrayList<MemorySegment>();
    var best = new ArrayList<BestLogits>();
    for (int output = 0; output < enough.size(); output++) {
      var row = new Logits.Row(logits.data().asSlice(output * bytes, bytes));
      int wanted = enough.get(output);
      switch (wanted == 0 ? row : Logits.best(row, wanted)) {
        case Logits.Row all -> {
          whole.add(all.values());
          best.add(BestLogits.getDefaultInstance());
        }
        case Logits.Best(var ids, var values) -> {
          var message = BestLogits.newBuilder();
          for (int rank = 0; rank < ids.length; rank++) {
            message.addIds(ids[rank]).addValues(values[rank]);
          }
          best.add(message.build());
        }
      }
    }
    return new Results(List.of(Activations.concat(whole)), best);
  }

  /** Of how many outputs the rows are here. */
  int wholeOutputs(int outputs) {
    return best.isEmpty() ? outputs : (int) best.stream().filter(b -> b.getIdsCount() == 0).count();
  }
}
