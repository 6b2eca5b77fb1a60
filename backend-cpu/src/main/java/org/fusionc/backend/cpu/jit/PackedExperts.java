package org.fusionc.backend.cpu.jit;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.kernel.ExpertProducts;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Linear layers of every expert that read the same rows, in machine code. A token's experts are few
 * and small, so all their products are dealt out to threads together.
 */
public final class PackedExperts implements ExpertProducts {
  private final List<List<PackedLinear>> layers;

  /**
   * With packed weights.
   *
   * @param layers each with the matrices of all experts, of one size and format
   */
  public PackedExperts(List<List<PackedLinear>> layers) {
    this.layers = layers;
  }

  @Override
  public void run(ComputePool pool, int[] starts, long x, long[] bias, long[] y) {
    if (starts[starts.length - 1] == 0) {
      return;
    }
    int end;
    for (int first = 0; first < layers.size(); first = end) {
      end = first + 1;
      while (end < layers.size() && layout(end).equals(layout(first))) {
        end++;
      }
      together(pool, starts, x, bias, y, first, end);
    }
  }

  private PanelLayout layout(int layer) {
    return layers.get(layer).getFirst().layout();
  }

  /** Layers {@code from … to-1}, which share the prepared rows. */
  private void together(
      ComputePool pool, int[] starts, long x, long[] bias, long[] y, int from, int to) {
    var any = layers.get(from).getFirst();
    if (any.n() == 0) {
      return;
    }
    long rows = any.prepared(pool, x, starts[starts.length - 1]);
    int active = 0;
    for (int e = 0; e + 1 < starts.length; e++) {
      active += starts[e + 1] > starts[e] ? 1 : 0;
    }
    int least = Math.ceilDiv(Tiles.tasks(pool), Math.max(1, active * (to - from)));
    var parts = new ArrayList<Part>();
    long tasks = 0;
    for (int e = 0; e + 1 < starts.length; e++) {
      int count = starts[e + 1] - starts[e];
      for (int l = from; count > 0 && l < to; l++) {
        var layer = layers.get(l).get(e);
        long rowBytes = (long) layer.n() * Float.BYTES;
        var product =
            layer.product(
                rows + starts[e] * layer.preparedBytes(),
                bias[l] == 0 ? 0 : bias[l] + e * rowBytes,
                y[l] + starts[e] * rowBytes);
        var part = new Part(layer.tiles(count, least), product, tasks);
        parts.add(part);
        tasks = part.end();
      }
    }
    pool.parallelFor(
        tasks,
        1,
        (a, b) -> {
          for (long task = a; task < b; task++) {
            int p = 0;
            while (parts.get(p).end() <= task) {
              p++;
            }
            parts.get(p).run(task);
          }
        });
  }

  /**
   * A product among others.
   *
   * @param first its first task's number among those of all
   */
  private record Part(Tiles tiles, Product product, long first) {
    long end() {
      return first + tiles.tasks();
    }

    void run(long task) {
      tiles.run(task - first, product::panels);
    }
  }
}
