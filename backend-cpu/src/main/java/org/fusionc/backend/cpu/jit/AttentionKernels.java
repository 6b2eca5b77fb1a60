package org.fusionc.backend.cpu.jit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.jspecify.annotations.Nullable;

/** The kernels of one layout by their tiles, at hand without a search. */
final class AttentionKernels {
  private static final Map<AttentionLayout, AttentionKernels> ALL = new ConcurrentHashMap<>();
  private static final int MOST = 13;

  final AttentionLayout layout;
  private final @Nullable MachineCode[] scores = new MachineCode[MOST * 5];
  private final @Nullable MachineCode[] values = new MachineCode[MOST * 5];
  final MachineCode merge;

  private AttentionKernels(AttentionLayout layout) {
    this.layout = layout;
    merge = Kernels.of(new StateMerge(layout));
  }

  static AttentionKernels of(AttentionLayout layout) {
    return ALL.computeIfAbsent(layout, AttentionKernels::new);
  }

  MachineCode scores(int rows, int groups) {
    int at = rows * 5 + groups;
    var known = scores[at];
    if (known == null) {
      known = Kernels.of(new ScoreTile(layout, rows, groups));
      scores[at] = known;
    }
    return known;
  }

  MachineCode values(int rows, int vectors) {
    int at = rows * 5 + vectors;
    var known = values[at];
    if (known == null) {
      known = Kernels.of(new ValueTile(layout, rows, vectors));
      values[at] = known;
    }
    return known;
  }
}
