package org.fusionc.runtime.wire;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.proto.WireTensor;

/**
 * Decodes one frame's tensors after another into memory that kernels read, the same each time:
 * fresh memory costs more than the decoding. Not safe for use by several threads.
 */
public final class Decoder {
  private final List<Port> ports;
  private final MemorySegment[] memory;

  public Decoder(List<Port> ports) {
    this.ports = List.copyOf(ports);
    memory = new MemorySegment[ports.size()];
    Arrays.setAll(memory, i -> allocate(1));
  }

  /**
   * The tensors of a message, in the order of the ports. They last until the next call.
   *
   * @param tensors that {@link FrameCheck#checkTensors} has let pass
   */
  public List<Tensor> decode(List<WireTensor> tensors, int tokens, int outputs) {
    var decoded = new ArrayList<Tensor>(ports.size());
    for (int i = 0; i < ports.size(); i++) {
      for (var tensor : tensors) {
        if (tensor.getName().equals(ports.get(i).name())) {
          decoded.add(decode(i, tensor, tokens, outputs));
        }
      }
    }
    return decoded;
  }

  private Tensor decode(int index, WireTensor tensor, int tokens, int outputs) {
    var port = ports.get(index);
    int rows = port.rows(tokens, outputs);
    var into = room(index, Elements.bytes(port.dtype(), rows * port.width()));
    var from = MemorySegment.ofBuffer(tensor.getData().asReadOnlyByteBuffer());
    port.encoding().decode(from, port.dtype(), rows, port.width(), into);
    return new Tensor(port.dtype(), port.shape(tokens, outputs), into);
  }

  private MemorySegment room(int index, long bytes) {
    if (memory[index].byteSize() < bytes) {
      memory[index] = allocate(bytes);
    }
    return memory[index].asSlice(0, bytes);
  }

  private static MemorySegment allocate(long bytes) {
    return Arena.ofAuto().allocate(bytes, 64);
  }
}
