package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.LinkSpeed;

/**
 * Groups devices of which any two could swap places without changing the cost of any plan: the same
 * device, with the same links to all others. A search need then only count how many of a group it
 * has used.
 */
final class Interchangeable {
  private Interchangeable() {}

  /** The groups, each in ascending order of index. */
  static List<List<Integer>> groups(Cluster cluster) {
    var links = cluster.linkTable();
    var groups = new ArrayList<List<Integer>>();
    for (int device = 0; device < links.length; device++) {
      boolean placed = false;
      for (var group : groups) {
        if (canSwap(cluster, links, group.getFirst(), device)) {
          group.add(device);
          placed = true;
          break;
        }
      }
      if (!placed) {
        var group = new ArrayList<Integer>();
        group.add(device);
        groups.add(group);
      }
    }
    return groups;
  }

  private static boolean canSwap(Cluster cluster, LinkSpeed[][] links, int a, int b) {
    if (!cluster.devices().get(a).performsLike(cluster.devices().get(b))
        || !links[a][b].equals(links[b][a])) {
      return false;
    }
    for (int other = 0; other < links.length; other++) {
      if (other != a
          && other != b
          && (!links[a][other].equals(links[b][other])
              || !links[other][a].equals(links[other][b]))) {
        return false;
      }
    }
    return true;
  }
}
