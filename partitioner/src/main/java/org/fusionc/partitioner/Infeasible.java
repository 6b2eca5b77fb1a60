package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.Comparator;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Unit.Dimension;
import org.fusionc.partitioner.cluster.ClusterDevice;

/** Says why there is no plan, and what is short by how much. */
final class Infeasible {
  private final Workload workload;

  Infeasible(Workload workload) {
    this.workload = workload;
  }

  Diagnostic explain() {
    var footprint = workload.footprint();
    var devices = workload.cluster().devices();
    var whole = footprint.need(0, footprint.size());
    double memory = devices.stream().mapToDouble(ClusterDevice::memory).sum();
    if (footprint.leastTotal() > memory) {
      return diagnostic(
          "weights "
              + bytes(whole.weights())
              + " + KV "
              + bytes(whole.kv())
              + " ("
              + sizes()
              + ") need "
              + bytes(footprint.leastTotal())
              + "; "
              + cluster()
              + bytes(memory)
              + "; short by "
              + bytes(footprint.leastTotal() - memory),
          remedy(whole.weights() > memory));
    }
    double largest = devices.stream().mapToDouble(ClusterDevice::memory).max().orElse(0);
    for (int op = 0; op < footprint.size(); op++) {
      var need = footprint.need(op, op + 1);
      if (need.total() > largest) {
        return diagnostic(
            "%"
                + workload.chain().name(op)
                + " alone needs "
                + bytes(need.total())
                + " (weights "
                + bytes(need.weights())
                + ", KV "
                + bytes(need.kv())
                + ", activations "
                + bytes(need.activations())
                + "; "
                + sizes()
                + "); the largest device has "
                + bytes(largest)
                + "; short by "
                + bytes(need.total() - largest),
            remedy(need.weights() > largest));
      }
    }
    return apart(memory, whole.weights() + whole.kv());
  }

  /** In sum it would fit, but not in pieces that can talk. */
  private Diagnostic apart(double memory, double need) {
    var cluster = workload.cluster();
    var links = cluster.linkTable();
    var lonely = new ArrayList<String>();
    double best = 0;
    for (int from = 0; from < links.length; from++) {
      double reachable = cluster.devices().get(from).memory();
      for (int to = 0; to < links.length; to++) {
        if (to != from && links[from][to].bandwidth() > 0 && links[to][from].bandwidth() > 0) {
          reachable += cluster.devices().get(to).memory();
        }
      }
      best = Math.max(best, reachable);
      if (reachable == cluster.devices().get(from).memory()) {
        lonely.add(cluster.devices().get(from).name());
      }
    }
    if (!lonely.isEmpty() && links.length > 1) {
      return diagnostic(
          "the model fits no device alone, and "
              + String.join(", ", lonely)
              + " has no link to another machine",
          "add a link, or a default_link, to the cluster file");
    }
    var smallest =
        cluster.devices().stream().min(Comparator.comparingDouble(ClusterDevice::memory));
    return diagnostic(
        "weights and KV ("
            + sizes()
            + ") need "
            + bytes(need)
            + " of the "
            + bytes(memory)
            + " that the cluster has, but with activations no way to cut the model fits every"
            + " device"
            + smallest
                .map(d -> " (the smallest, " + d.name() + ", has " + bytes(d.memory()) + ")")
                .orElse(""),
        remedy(false));
  }

  private String sizes() {
    return "context " + workload.options().context() + ", batch " + workload.options().batch();
  }

  private String cluster() {
    int count = workload.cluster().devices().size();
    return count == 1
        ? workload.cluster().devices().getFirst().name() + " has "
        : "the cluster's " + count + " devices have ";
  }

  private static String remedy(boolean weightsAlone) {
    return weightsAlone
        ? "add a device, or use a smaller or quantised model"
        : "reduce --context or --batch, add a device, or use a smaller or quantised model";
  }

  private Diagnostic diagnostic(String message, String remedy) {
    return Diagnostic.infeasible(Location.named(workload.cluster().name()), message, remedy);
  }

  static String bytes(double bytes) {
    return Quantity.readable(bytes, Dimension.BYTES).toString().replaceFirst("([A-Za-z]+)$", " $1");
  }
}
