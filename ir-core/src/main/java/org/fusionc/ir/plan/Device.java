package org.fusionc.ir.plan;

import org.fusionc.ir.diagnostic.Spelling;

/**
 * {@code device @desk.gpu0 : cuda<sm_86> { memory = 10GiB, bandwidth = 760GB/s, f16 = 59.5TFLOP/s
 * }}.
 *
 * @param name without the {@code @}; the machine is what stands before the last dot
 * @param kind what kind of device it is, such as {@code cpu} or {@code cuda<sm_86>}; empty if not
 *     stated
 * @param attributes {@code memory}, {@code bandwidth}, and computing speeds by dtype
 */
public record Device(String name, String kind, Attributes attributes, Origin origin) {

  public String machine() {
    return machineOf(name);
  }

  /** The machine that a device's name belongs to: what stands before the last dot. */
  public static String machineOf(String name) {
    int dot = name.lastIndexOf('.');
    return dot < 0 ? name : name.substring(0, dot);
  }

  @Override
  public String toString() {
    return PlanPrinter.line(
        "device " + Spelling.symbol(name) + (kind.isEmpty() ? "" : " : " + kind), attributes);
  }
}
