package org.fusionc.partitioner.cluster;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Unit.Dimension;

/**
 * Reads a cluster file:
 *
 * <pre>{@code
 * devices:
 *   - {name: desk.gpu0, memory: 10GiB, memory_bandwidth: 760GB/s, f16: 59.5TFLOP/s}
 *   - {name: laptop.cpu, memory: 24GiB, memory_bandwidth: 50GB/s, f32: 0.5TFLOP/s, count: 3}
 * links:
 *   - {between: [desk, laptop-1], bandwidth: 940Mbit/s, latency: 0.4ms}
 *   - {from: laptop-2, to: desk, bandwidth: 20Mbit/s, latency: 9ms}
 * default_link: {bandwidth: 100Mbit/s, latency: 20ms}
 * }</pre>
 *
 * <p>A device's machine is the part of its name before the dot. {@code count: 3} of {@code
 * laptop.cpu} is {@code laptop-1.cpu} to {@code laptop-3.cpu}. Everything under {@code links} and
 * {@code default_link} may be missing; without a default, machines that no link names cannot talk.
 */
public final class ClusterFile {
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z_][A-Za-z0-9_-]*\\.[A-Za-z_][A-Za-z0-9_-]*");
  private static final Pattern KIND = Pattern.compile("[a-z][a-z0-9_]*(<[a-z0-9_]+>)?");
  private static final List<String> DEVICE_KEYS =
      List.of("name", "kind", "memory", "memory_bandwidth", "f32", "f16", "bf16", "int8", "count");
  private static final List<String> LINK_KEYS =
      List.of("between", "from", "to", "bandwidth", "latency");
  private static final int MAX_DEVICES = 1024;

  private final String file;
  private final List<ClusterDevice> devices = new ArrayList<>();
  private final Map<String, Location> stated = new HashMap<>();

  /** Groups that {@code count} made: the name as written to how many there are. */
  private final Map<String, Integer> groups = new HashMap<>();

  private ClusterFile(String file) {
    this.file = file;
  }

  /**
   * Reads the file.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be read or is not a cluster;
   *     names the line and what to do
   */
  public static Cluster read(Path path) {
    try {
      return parse(path.toString(), Files.readString(path));
    } catch (CharacterCodingException _) {
      throw Diagnostic.invalid(
              Location.named(path.toString()), "the file is not UTF-8 text", "give a cluster.yaml")
          .exception();
    } catch (IOException problem) {
      throw Diagnostic.invalid(
              Location.named(path.toString()),
              "the cluster file cannot be read: " + IoReason.of(problem),
              "give the path of a cluster.yaml")
          .exception();
    }
  }

  /** Reads a cluster from text; {@code file} is its name in messages. */
  public static Cluster parse(String file, String text) {
    return new ClusterFile(file).cluster(YamlTree.parse(file, text));
  }

  private Cluster cluster(YamlTree tree) {
    var root = tree.mapping("the file", "devices: [...]");
    root.allowOnly("the cluster file", List.of("devices", "links", "default_link"));
    var list =
        root.required("the cluster file", "devices", "a list of the devices")
            .sequence("'devices'", "- {name: desk.gpu0, memory: 10GiB, memory_bandwidth: 760GB/s}");
    list.items().forEach(this::device);
    if (devices.isEmpty()) {
      throw Diagnostic.invalid(
              list.location(), "the cluster has no device", "list at least one under devices")
          .exception();
    }
    var links = new ArrayList<MachineLink>();
    var pairs = new HashMap<List<String>, Location>();
    root.optional("links")
        .ifPresent(tree2 ->
            tree2
                .sequence("'links'", "- {between: [desk, attic], bandwidth: 1Gbit/s}")
                .items()
                .forEach(item -> links.add(link(item, pairs))));
    var defaultLink =
        root.optional("default_link")
            .map(item -> {
              var mapping = item.mapping("'default_link'", "{bandwidth: 1Gbit/s, latency: 1ms}");
              mapping.allowOnly("default_link", List.of("bandwidth", "latency"));
              return speed("default_link", mapping);
            });
    return new Cluster(file, devices, links, defaultLink);
  }

  private void device(YamlTree item) {
    var entry =
        item.mapping("a device", "{name: desk.gpu0, memory: 10GiB, memory_bandwidth: 760GB/s}");
    var name = entry.required("a device", "name", "desk.gpu0").scalar("a device's name");
    if (!NAME.matcher(name.text()).matches()) {
      throw Diagnostic.invalid(
              name.location(),
              "'" + name.text() + "' is not a device's name",
              "write machine.device with letters, digits, '-' and '_', like desk.gpu0")
          .exception();
    }
    var subject = "device '" + name.text() + "'";
    entry.allowOnly(subject, DEVICE_KEYS);
    var memory = number(subject, entry, "memory", Dimension.BYTES);
    var bandwidth = number(subject, entry, "memory_bandwidth", Dimension.BYTES_PER_SECOND);
    var attributes = Attributes.NONE.with("memory", memory).with("bandwidth", bandwidth);
    var speeds = new TreeMap<String, Double>();
    for (var dtype : ClusterDevice.DTYPES) {
      if (entry.optional(dtype).isPresent()) {
        var speed = number(subject, entry, dtype, Dimension.OPERATIONS_PER_SECOND);
        attributes = attributes.with(dtype, speed);
        speeds.put(dtype, speed.base());
      }
    }
    var kind = entry.optional("kind").map(value -> kind(subject, value)).orElse("");
    var count = entry.optional("count").map(value -> count(subject, value));
    for (var expanded : expand(name.text(), count)) {
      var before = stated.put(expanded, name.location());
      if (before != null) {
        throw Diagnostic.invalid(
                name.location(),
                "device '" + expanded + "' is already stated at " + before,
                "give it another name, or use count")
            .exception();
      }
      devices.add(
          new ClusterDevice(expanded, kind, memory.base(), bandwidth.base(), speeds, attributes));
    }
    if (devices.size() > MAX_DEVICES) {
      throw Diagnostic.invalid(
              entry.location(),
              "the cluster has more than " + MAX_DEVICES + " devices",
              "plan over fewer")
          .exception();
    }
  }

  private List<String> expand(String name, Optional<Integer> count) {
    if (count.isEmpty()) {
      return List.of(name);
    }
    int dot = name.lastIndexOf('.');
    var machine = name.substring(0, dot);
    groups.merge(machine, count.get(), Math::max);
    var names = new ArrayList<String>();
    for (int i = 1; i <= count.get(); i++) {
      names.add(machine + "-" + i + name.substring(dot));
    }
    return names;
  }

  private static String kind(String subject, YamlTree value) {
    var text = value.scalar("the kind of " + subject);
    if (!KIND.matcher(text.text()).matches()) {
      throw Diagnostic.invalid(
              text.location(),
              subject + ": '" + text.text() + "' is not a kind of device",
              "write cpu, or cuda<sm_86>")
          .exception();
    }
    return text.text();
  }

  private static int count(String subject, YamlTree value) {
    var text = value.scalar("the count of " + subject);
    if (text.text().matches("[0-9]{1,4}")) {
      int count = Integer.parseInt(text.text());
      if (count >= 1 && count <= MAX_DEVICES) {
        return count;
      }
    }
    throw Diagnostic.invalid(
            text.location(),
            subject + ": count is '" + text.text() + "', but should be 1 to " + MAX_DEVICES,
            "write a whole number")
        .exception();
  }

  private MachineLink link(YamlTree item, Map<List<String>, Location> pairs) {
    var example = "{between: [desk, attic], bandwidth: 1Gbit/s, latency: 1ms}";
    var entry = item.mapping("a link", example);
    entry.allowOnly("a link", LINK_KEYS);
    boolean both = entry.optional("between").isPresent();
    if (both == (entry.optional("from").isPresent() || entry.optional("to").isPresent())) {
      throw Diagnostic.invalid(
              entry.location(),
              both
                  ? "a link has both 'between' and 'from'/'to'"
                  : "a link does not say what it connects",
              "write between: [desk, attic] for both directions, or from: desk, to: attic for one")
          .exception();
    }
    String from;
    String to;
    if (both) {
      var ends =
          entry
              .required("a link", "between", "[desk, attic]")
              .sequence("'between'", "[desk, attic]");
      if (ends.items().size() != 2) {
        throw Diagnostic.invalid(
                ends.location(),
                "'between' names " + ends.items().size() + " machines, but should name two",
                "write between: [desk, attic]")
            .exception();
      }
      from = machine(ends.items().getFirst());
      to = machine(ends.items().getLast());
    } else {
      from = machine(entry.required("a link", "from", "desk"));
      to = machine(entry.required("a link", "to", "attic"));
    }
    if (from.equals(to)) {
      throw Diagnostic.invalid(
              entry.location(),
              "a link connects '" + from + "' with itself",
              "delete it; devices of one machine talk through its memory")
          .exception();
    }
    refuseTwice(from, to, entry.location(), pairs);
    if (both) {
      refuseTwice(to, from, entry.location(), pairs);
    }
    return new MachineLink(from, to, both, speed("the link " + from + ", " + to, entry));
  }

  private static void refuseTwice(
      String from, String to, Location location, Map<List<String>, Location> pairs) {
    var before = pairs.put(List.of(from, to), location);
    if (before != null) {
      throw Diagnostic.invalid(
              location,
              "the link from '" + from + "' to '" + to + "' is already stated at " + before,
              "delete one of them")
          .exception();
    }
  }

  private String machine(YamlTree value) {
    var text = value.scalar("a machine's name");
    var machines = new LinkedHashSet<String>();
    devices.forEach(device -> machines.add(device.machine()));
    if (machines.contains(text.text())) {
      return text.text();
    }
    var group = groups.get(text.text());
    var remedy =
        group != null
            ? "it is a group; name one of " + text.text() + "-1 to " + text.text() + "-" + group
            : machines.contains(text.text().replaceAll("\\.[^.]*$", ""))
                ? "links connect machines, so write '"
                    + text.text().replaceAll("\\.[^.]*$", "")
                    + "'"
                : Suggestion.didYouMean(
                    text.text(), machines, "the machines are " + String.join(", ", machines));
    throw Diagnostic.invalid(
            text.location(), "a link names an unknown machine '" + text.text() + "'", remedy)
        .exception();
  }

  private static LinkSpeed speed(String subject, YamlTree.Mapping entry) {
    return new LinkSpeed(
        number(subject, entry, "bandwidth", Dimension.BYTES_PER_SECOND).base(),
        entry.optional("latency").isPresent()
            ? number(subject, entry, "latency", Dimension.SECONDS).base()
            : 0);
  }

  private static Quantity number(
      String subject, YamlTree.Mapping entry, String key, Dimension dimension) {
    var text =
        entry.required(subject, key, dimension.example()).scalar("'" + key + "' of " + subject);
    var quantity = Quantity.parse(text.text(), dimension, text.location());
    if (quantity.amount() < 0 || (quantity.amount() == 0 && dimension != Dimension.SECONDS)) {
      throw Diagnostic.invalid(
              text.location(),
              subject + ": '" + key + "' is " + quantity + ", but must be positive",
              "write it like " + dimension.example())
          .exception();
    }
    return quantity;
  }
}
