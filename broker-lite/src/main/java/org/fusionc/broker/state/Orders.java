package org.fusionc.broker.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What each peer shall hold: declarative, so that either side may restart at any time. */
public final class Orders {
  private Orders() {}

  /** By peer, in the order in which they are to be got: those that serve first. */
  public static SortedMap<String, List<Order>> of(ClusterState state) {
    var orders = new TreeMap<String, List<Order>>();
    state.peers().keySet().forEach(name -> orders.put(name, new ArrayList<>()));
    for (boolean serving : new boolean[] {true, false}) {
      for (var deployment : state.deployments().values()) {
        add(orders, deployment, deployment.current(), serving);
        add(orders, deployment, deployment.next(), serving);
      }
    }
    return orders;
  }

  private static void add(
      Map<String, List<Order>> orders,
      Deployment deployment,
      @Nullable Layout layout,
      boolean serving) {
    if (layout == null) {
      return;
    }
    for (int stage = 0; stage < layout.stages(); stage++) {
      var holders = layout.holders().get(stage);
      for (int rank = serving ? 0 : 1;
          rank < (serving ? Math.min(1, holders.size()) : holders.size());
          rank++) {
        var holder = holders.get(rank);
        var order =
            new Order(
                new SegmentKey(deployment.name(), layout.digest(), stage),
                deployment.manifest(),
                layout.plan(),
                layout.needs().get(stage),
                deployment.pages(),
                deployment.pageTokens(),
                serving,
                sources(holders, holder));
        orders.computeIfAbsent(holder.peer(), name -> new ArrayList<>()).add(order);
      }
    }
  }

  private static List<String> sources(List<Holder> holders, Holder self) {
    return holders.stream()
        .filter(other -> other.ready() && !other.peer().equals(self.peer()))
        .map(Holder::address)
        .sorted()
        .toList();
  }
}
