package org.fusionc.backend.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.Type;

/**
 * Shapes and places of a program's values for given symbolic dimensions: every value that a step
 * makes gets a place in one arena, and places are used again when their value is dead. First fit,
 * in the order of the steps.
 */
final class Layout {
  private static final long ALIGNMENT = 64;

  /** A free or used part of the arena. */
  private record Part(long offset, long size) {}

  private final long[][] shapes;
  private final long[] elements;
  private final long[] offsets;
  private long arenaBytes;

  /**
   * @param types by value; those of states and batches have no place
   * @param placed whether a value lies in the arena at all
   * @param from the step that makes the value
   * @param to the last step that uses it; a value that aliases another counts with that one
   * @param alias the value whose memory a value shares; itself if none
   */
  Layout(
      List<Type> types,
      boolean[] placed,
      int[] from,
      int[] to,
      int[] alias,
      Map<String, Long> symbols) {
    int count = types.size();
    shapes = new long[count][];
    elements = new long[count];
    offsets = new long[count];
    Arrays.fill(offsets, -1);
    for (int i = 0; i < count; i++) {
      if (types.get(i) instanceof Type.Tensor tensor) {
        shapes[i] = tensor.dims().stream().mapToLong(d -> d.evaluate(symbols)).toArray();
        elements[i] = Arrays.stream(shapes[i]).reduce(1, Math::multiplyExact);
      } else {
        shapes[i] = new long[0];
      }
    }
    var order = new ArrayList<Integer>();
    for (int i = 0; i < count; i++) {
      if (placed[i] && alias[i] == i) {
        order.add(i);
      }
    }
    order.sort(Comparator.comparingInt(i -> from[i]));
    var live = new ArrayList<Integer>();
    for (int value : order) {
      live.removeIf(other -> to[other] < from[value]);
      long size = bytes(types.get(value), shapes[value]);
      offsets[value] = firstFit(live, types, size);
      live.add(value);
      arenaBytes = Math.max(arenaBytes, offsets[value] + size);
    }
    for (int i = 0; i < count; i++) {
      if (placed[i]) {
        offsets[i] = offsets[alias[i]];
      }
    }
  }

  private long firstFit(List<Integer> live, List<Type> types, long size) {
    var used =
        live.stream()
            .map(v -> new Part(offsets[v], bytes(types.get(v), shapes[v])))
            .sorted(Comparator.comparingLong(Part::offset))
            .toList();
    long at = 0;
    for (var part : used) {
      if (part.offset - at >= size) {
        break;
      }
      at = Math.max(at, part.offset + part.size);
    }
    return at;
  }

  private static long bytes(Type type, long[] shape) {
    long bytes = QuantizedKernels.bytes(((Type.Tensor) type).dtype(), shape);
    // An empty tensor takes a place as well, so that no two values share one.
    return Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
  }

  long arenaBytes() {
    return arenaBytes;
  }

  long[] shape(int value) {
    return shapes[value];
  }

  long elements(int value) {
    return elements[value];
  }

  /** Where a value lies in the arena, in bytes; -1 if it does not. */
  long offset(int value) {
    return offsets[value];
  }
}
