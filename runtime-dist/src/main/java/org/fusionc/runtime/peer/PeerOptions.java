package org.fusionc.runtime.peer;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Unit;
import org.fusionc.runtime.net.Address;
import org.jspecify.annotations.Nullable;

/**
 * How a peer is to be.
 *
 * @param brokers that stand in for one another; tried in turn
 * @param name unique in the cluster; null to make one of the host's name
 * @param memory bytes for weights, caches and activations; 0 for 80 % of what is free now
 * @param threads compute threads
 * @param data the folder that keeps its identity and its blobs
 * @param listen where to offer its services
 * @param advertise how others reach that; null if it is the same
 */
public record PeerOptions(
    List<Address> brokers,
    @Nullable String name,
    long memory,
    int threads,
    Path data,
    Address listen,
    @Nullable Address advertise) {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,63}");

  /**
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if something makes no sense
   */
  public PeerOptions {
    brokers = List.copyOf(brokers);
    if (brokers.isEmpty()) {
      throw Diagnostic.usage("no broker is named", "give --broker HOST:PORT").exception();
    }
    if (name != null && !NAME.matcher(name).matches()) {
      throw Diagnostic.usage(
              "'" + name + "' is no name for a peer",
              "use 1 to 63 of the characters a-z, A-Z, 0-9, _ and -")
          .exception();
    }
    if (threads < 1 || threads > 1024) {
      throw Diagnostic.usage("--threads is " + threads, "give a number from 1 to 1024").exception();
    }
    if (advertise != null && advertise.port() == 0) {
      throw Diagnostic.usage(
              "--advertise " + advertise + " has no port that others could reach",
              "give the port of --listen, or the one that is forwarded to it")
          .exception();
    }
    for (var broker : brokers) {
      if (broker.port() == 0) {
        throw Diagnostic.usage(
                "--broker " + broker + " has no port", "write HOST:PORT, such as 127.0.0.1:7700")
            .exception();
      }
    }
  }

  /** Reads {@code HOST:PORT[,HOST:PORT]}. */
  public static List<Address> brokers(String text) {
    return java.util.Arrays.stream(text.split(",", -1))
        .map(String::strip)
        .map(Address::parse)
        .toList();
  }

  /** Reads a size such as {@code 4GiB}. */
  public static long memory(String text) {
    double size;
    try {
      size = Quantity.parse(text, Unit.Dimension.BYTES, Location.unknown()).base();
    } catch (org.fusionc.ir.diagnostic.DiagnosticException wrong) {
      throw Diagnostic.usage("--memory: " + wrong.getMessage(), "").exception();
    }
    if (size < 1 << 20) {
      throw Diagnostic.usage("--memory " + text + " is too little", "give at least 1MiB")
          .exception();
    }
    long machine = MemoryBudget.wholeMachine();
    if (size > machine) {
      throw Diagnostic.usage(
              "--memory " + text + " is more than this machine has: " + MemoryBudget.text(machine),
              "give less; without --memory it is 80 % of what is free")
          .exception();
    }
    return (long) size;
  }

  /** Where a peer keeps its data unless it is told otherwise. */
  public static Path defaultData() {
    return Path.of(System.getProperty("user.home"), ".local", "share", "fusionc", "peer");
  }
}
