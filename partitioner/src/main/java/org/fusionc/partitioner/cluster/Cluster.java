package org.fusionc.partitioner.cluster;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Link;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Unit;

/**
 * Devices and the links between their machines.
 *
 * @param name the file's name, for messages
 * @param devices in the order stated, {@code count} expanded; names are unique
 * @param links as stated; of two that connect the same machines in one direction the later counts
 * @param defaultLink between machines for which no link is stated; empty if those cannot talk
 */
public record Cluster(
    String name,
    List<ClusterDevice> devices,
    List<MachineLink> links,
    Optional<LinkSpeed> defaultLink) {
  public Cluster {
    devices = List.copyOf(devices);
    links = List.copyOf(links);
  }

  /** The devices' machines, in order of their first device. */
  public Collection<String> machines() {
    var machines = new LinkedHashSet<String>();
    devices.forEach(device -> machines.add(device.machine()));
    return machines;
  }

  public Optional<ClusterDevice> device(String deviceName) {
    return devices.stream().filter(device -> device.name().equals(deviceName)).findFirst();
  }

  /**
   * From one device to another. Devices of one machine talk through its memory, at the slower one's
   * memory bandwidth and without latency.
   */
  public LinkSpeed link(ClusterDevice from, ClusterDevice to) {
    if (from.machine().equals(to.machine())) {
      return new LinkSpeed(Math.min(from.bandwidth(), to.bandwidth()), 0);
    }
    return links.reversed().stream()
        .filter(link -> link.connects(from.machine(), to.machine()))
        .findFirst()
        .map(MachineLink::speed)
        .orElse(defaultLink.orElse(LinkSpeed.NONE));
  }

  /** Every pair's link: {@code [from][to]}, by index in {@link #devices}. */
  public LinkSpeed[][] linkTable() {
    var byMachines = new HashMap<List<String>, LinkSpeed>();
    var table = new LinkSpeed[devices.size()][devices.size()];
    for (int from = 0; from < table.length; from++) {
      for (int to = 0; to < table.length; to++) {
        var source = devices.get(from);
        var target = devices.get(to);
        table[from][to] =
            source.machine().equals(target.machine())
                ? link(source, target)
                : byMachines.computeIfAbsent(
                    List.of(source.machine(), target.machine()), _ -> link(source, target));
      }
    }
    return table;
  }

  /** A plan's line for a link between two machines. */
  public static Link line(String from, String to, boolean both, LinkSpeed speed) {
    return new Link(from, to, both, attributes(speed), Origin.NONE);
  }

  /** A plan's line for what holds between all other machines. */
  public static Link defaultLine(LinkSpeed speed) {
    return Link.byDefault(attributes(speed), Origin.NONE);
  }

  private static Attributes attributes(LinkSpeed speed) {
    return Attributes.NONE
        .with("bandwidth", bandwidth(speed.bandwidth()))
        .with("latency", latency(speed.latency()));
  }

  /** Latencies are spoken of in milliseconds, short ones too. */
  private static Quantity latency(double seconds) {
    double milliseconds = Math.rint(seconds * 1e6) / 1e3;
    return milliseconds >= 0.01 && milliseconds < 1000
        ? new Quantity(milliseconds, Unit.MILLISECOND)
        : Quantity.readable(seconds, Unit.Dimension.SECONDS);
  }

  /** Networks are sold in bits. */
  private static Quantity bandwidth(double bytesPerSecond) {
    for (var unit : List.of(Unit.GIGABIT_PER_SECOND, Unit.MEGABIT_PER_SECOND)) {
      double amount = Math.rint(bytesPerSecond / unit.size() * 1000) / 1000;
      if (amount >= 1) {
        return new Quantity(amount, unit);
      }
    }
    return Quantity.readable(bytesPerSecond, Unit.Dimension.BYTES_PER_SECOND);
  }

  /**
   * The cluster that a plan's own {@code device} and {@code link} lines describe. In a plan without
   * any link line all machines are taken to be linked infinitely fast: it says nothing of that
   * cost.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a device is stated twice, or a number
   *     is missing or measures something else
   */
  public static Cluster of(Plan plan) {
    var devices = new TreeMap<String, ClusterDevice>();
    var inOrder = new ArrayList<ClusterDevice>();
    for (var line : plan.devices()) {
      var numbers = new Numbers("device @" + line.name(), line.attributes(), line.origin());
      numbers.allowOnly("memory", "bandwidth", "f32", "f16", "bf16", "int8");
      var speeds = new TreeMap<String, Double>();
      for (var dtype : ClusterDevice.DTYPES) {
        numbers
            .optional(dtype, Unit.Dimension.OPERATIONS_PER_SECOND)
            .ifPresent(speed -> speeds.put(dtype, speed));
      }
      var device =
          new ClusterDevice(
              line.name(),
              line.kind(),
              numbers.required("memory", Unit.Dimension.BYTES),
              numbers.required("bandwidth", Unit.Dimension.BYTES_PER_SECOND),
              speeds,
              line.attributes());
      if (devices.put(line.name(), device) != null) {
        throw Diagnostic.invalid(
                line.origin().location(),
                "device @" + line.name() + " is stated twice",
                "delete one of the lines")
            .exception();
      }
      inOrder.add(device);
    }
    var links = new ArrayList<MachineLink>();
    var defaultLink =
        plan.links().isEmpty()
            ? Optional.of(new LinkSpeed(Double.POSITIVE_INFINITY, 0))
            : Optional.<LinkSpeed>empty();
    for (var line : plan.links()) {
      var numbers = new Numbers(line.title(), line.attributes(), line.origin());
      numbers.allowOnly("bandwidth", "latency");
      var speed =
          new LinkSpeed(
              numbers.required("bandwidth", Unit.Dimension.BYTES_PER_SECOND),
              numbers.optional("latency", Unit.Dimension.SECONDS).orElse(0.0));
      if (line.isDefault()) {
        defaultLink = Optional.of(speed);
      } else {
        links.add(new MachineLink(line.from(), line.to(), line.both(), speed));
      }
    }
    return new Cluster("plan @" + plan.name(), inOrder, links, defaultLink);
  }

  /** The numbers of one line of a plan, and what to say when one is not right. */
  private record Numbers(String subject, Attributes attributes, Origin origin) {
    void allowOnly(String... names) {
      for (var name : attributes.values().keySet()) {
        if (!List.of(names).contains(name)) {
          throw Diagnostic.invalid(
                  origin.location(),
                  subject + " has an unknown attribute '" + name + "'",
                  org.fusionc.ir.diagnostic.Suggestion.didYouMean(
                      name, List.of(names), "it may have " + String.join(", ", names)))
              .exception();
        }
      }
    }

    double required(String name, Unit.Dimension dimension) {
      return optional(name, dimension)
          .orElseThrow(() ->
              Diagnostic.invalid(
                      origin.location(),
                      subject + " lacks " + name,
                      "add " + name + " = " + dimension.example())
                  .exception());
    }

    Optional<Double> optional(String name, Unit.Dimension dimension) {
      var value = attributes.get(name);
      if (value.isEmpty()) {
        return Optional.empty();
      }
      if (value.get() instanceof Quantity quantity && quantity.dimension() == dimension) {
        if (quantity.amount() < 0 || (quantity.amount() == 0 && !name.equals("latency"))) {
          throw Diagnostic.invalid(
                  origin.location(),
                  subject + ": " + name + " is " + quantity + ", but must be positive",
                  "write it like " + dimension.example())
              .exception();
        }
        return Optional.of(quantity.base());
      }
      throw Diagnostic.invalid(
              origin.location(),
              subject
                  + ": "
                  + name
                  + " is '"
                  + value.get()
                  + "', but should be "
                  + dimension.noun(),
              "write it like " + dimension.example())
          .exception();
    }
  }

  /** Indices of {@link #devices} by name. */
  public Map<String, Integer> indices() {
    var indices = new HashMap<String, Integer>();
    for (int i = 0; i < devices.size(); i++) {
      indices.put(devices.get(i).name(), i);
    }
    return indices;
  }
}
