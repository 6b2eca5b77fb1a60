package org.fusionc.partitioner.cluster;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Device;
import org.fusionc.ir.plan.Origin;

/**
 * A device that can run a stage.
 *
 * @param name {@code machine.device}
 * @param kind as in a plan; may be empty
 * @param memory bytes that a stage may use
 * @param bandwidth of that memory, bytes/s
 * @param speeds FLOP/s by dtype ({@link #DTYPES}); those not stated are absent
 * @param stated the same numbers in the units in which they were written, as a plan prints them
 */
public record ClusterDevice(
    String name,
    String kind,
    double memory,
    double bandwidth,
    SortedMap<String, Double> speeds,
    Attributes stated) {
  /** The dtypes for which a computing speed may be stated. */
  public static final List<String> DTYPES = List.of("f32", "f16", "bf16", "int8");

  /** What to look for when the speed for a dtype is not stated; the first that is stated counts. */
  private static final Map<String, List<String>> INSTEAD =
      Map.of(
          "f32", List.of("f32", "bf16", "f16"),
          "f16", List.of("f16", "bf16", "f32"),
          "bf16", List.of("bf16", "f16", "f32"),
          "int8", List.of("int8", "f16", "bf16", "f32"));

  public ClusterDevice {
    speeds = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(speeds));
  }

  public String machine() {
    return Device.machineOf(name);
  }

  /**
   * FLOP/s on operands of a dtype. A speed that is not stated is taken from the nearest dtype that
   * is (f32 at half the speed of a 16-bit one); infinite if none is stated, so that memory alone
   * sets the time.
   */
  public double speed(String dtype) {
    for (var other : INSTEAD.getOrDefault(dtype, DTYPES)) {
      var stated = speeds.get(other);
      if (stated != null) {
        return dtype.equals("f32") && !other.equals("f32") ? stated / 2 : stated;
      }
    }
    return Double.POSITIVE_INFINITY;
  }

  /** The line that describes this device in a plan. */
  public Device line() {
    return new Device(name, kind, stated, Origin.NONE);
  }

  /** Whether a stage would run on {@code other} exactly as it does on this one. */
  public boolean performsLike(ClusterDevice other) {
    return memory == other.memory
        && bandwidth == other.bandwidth
        && kind.equals(other.kind)
        && speeds.equals(other.speeds);
  }
}
