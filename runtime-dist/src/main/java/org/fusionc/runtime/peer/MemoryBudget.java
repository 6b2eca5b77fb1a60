package org.fusionc.runtime.peer;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.stage.RunMemory;

/** Sees to it that all that a peer holds together stays within its memory. */
final class MemoryBudget implements RunMemory {
  private final long total;
  private final Map<Object, Long> held = new HashMap<>();

  MemoryBudget(long total) {
    this.total = total;
  }

  long total() {
    return total;
  }

  synchronized long used() {
    return held.values().stream().mapToLong(Long::longValue).sum();
  }

  @Override
  public synchronized void hold(Object owner, long bytes, String figures) {
    long others = used() - held.getOrDefault(owner, 0L);
    if (bytes > total - others) {
      throw Diagnostic.failed(
              Location.unknown(),
              "%s needs %s (%s), but of this peer's %s %s are taken; short by %s"
                  .formatted(
                      owner,
                      text(bytes),
                      figures,
                      text(total),
                      text(others),
                      text(bytes - (total - others))),
              "give the peer more --memory, or plan for less context or fewer sessions")
          .exception();
    }
    held.put(owner, bytes);
  }

  @Override
  public synchronized void free(Object owner) {
    held.remove(owner);
  }

  /** 80 % of what the machine has free now, in bytes. */
  static long ofMachine() {
    return (long) (available() * 0.8);
  }

  /** What the machine, or the container, has in all, in bytes. */
  static long wholeMachine() {
    var system = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
    return system instanceof com.sun.management.OperatingSystemMXBean known
        ? known.getTotalMemorySize()
        : Long.MAX_VALUE;
  }

  private static long available() {
    // What the system could free at once counts as free, which only Linux says.
    try {
      for (var line : java.nio.file.Files.readAllLines(java.nio.file.Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemAvailable:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        }
      }
    } catch (java.io.IOException | NumberFormatException elsewhere) {
      // Another system.
    }
    var system = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
    return system instanceof com.sun.management.OperatingSystemMXBean known
        ? known.getFreeMemorySize()
        : Runtime.getRuntime().maxMemory();
  }

  static String text(long bytes) {
    double amount = bytes;
    var units = new String[] {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    while (amount >= 1024 && unit < units.length - 1) {
      amount /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.4g %s", amount, units[unit]);
  }
}
