package org.fusionc.broker.state;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides who holds each stage. Given the same state it decides the same, and what it decided it
 * decides again, so that it may be asked whenever anything has changed.
 *
 * <ol>
 *   <li>Holders that are lost or failed go. Where the first holder is not ready and another one is,
 *       that one becomes first.
 *   <li>A stage without holder gets the peer with most room, of the kind that the plan has put it
 *       on: others might round differently, and sessions' tokens change.
 *   <li>A draining peer's stages get a standby, and are handed over when it is ready.
 *   <li>The memory that is left is the backup pool: it holds what is most worth having, see {@link
 *       #worth}.
 * </ol>
 */
public final class Placement {
  /** Most standbys of one stage; more would cost their peers work and save no time. */
  private static final int MOST_STANDBYS = 2;

  /** Bytes per second at which a segment's weights are taken to arrive, where none was measured. */
  private static final double ASSUMED_BANDWIDTH = LinkFigure.ASSUMED.bandwidth();

  /** Seconds that a segment takes to be compiled. */
  private static final double COMPILE_SECONDS = 0.5;

  /** A stage of one layout of a deployment, while its holders are being decided. */
  private static final class Slot {
    final SegmentKey key;
    final StageNeed need;
    final boolean spares;
    final List<Holder> holders;

    Slot(SegmentKey key, StageNeed need, boolean spares, List<Holder> holders) {
      this.key = key;
      this.need = need;
      this.spares = spares;
      this.holders = new ArrayList<>(holders);
    }

    boolean holds(String peer) {
      return holders.stream().anyMatch(holder -> holder.peer().equals(peer));
    }
  }

  private final ClusterState state;
  private final Map<String, Long> free = new HashMap<>();

  private Placement(ClusterState state) {
    this.state = state;
  }

  /** The state with every deployment's holders as they should be. */
  public static ClusterState reconcile(ClusterState state) {
    return new Placement(state).run();
  }

  private ClusterState run() {
    var decided = new TreeMap<String, Deployment>();
    var slots = new ArrayList<Slot>();
    var current = new HashMap<String, List<Slot>>();
    var next = new HashMap<String, List<Slot>>();
    for (var deployment : state.deployments().values()) {
      var settled = settle(deployment);
      decided.put(deployment.name(), settled);
      current.put(deployment.name(), slots(settled, settled.current(), true));
      slots.addAll(current.get(deployment.name()));
      if (settled.next() != null) {
        next.put(deployment.name(), slots(settled, settled.next(), false));
        slots.addAll(next.get(deployment.name()));
      }
    }
    reserve(slots);
    fill(slots);
    for (var deployment : List.copyOf(decided.values())) {
      var name = deployment.name();
      var placed = deployment.current().withHolders(holders(current.get(name)));
      var prepared =
          deployment.next() == null ? null : deployment.next().withHolders(holders(next.get(name)));
      var result = deployment.with(placed, prepared);
      var before = state.deployments().get(name);
      decided.put(name, result.equals(before) ? result : result.changed());
    }
    return state.withDeployments(decided);
  }

  private static List<List<Holder>> holders(@Nullable List<Slot> slots) {
    return slots == null
        ? List.of()
        : slots.stream().map(slot -> List.copyOf(slot.holders)).toList();
  }

  /** Looks at what has become of the holders; takes the next layout into use when it is ready. */
  private Deployment settle(Deployment deployment) {
    var next = deployment.next() == null ? null : refreshed(deployment, deployment.next());
    if (next != null && next.holders().stream().anyMatch(this::broken)) {
      next = null;
    }
    if (next != null && next.ready()) {
      return deployment.with(next, null).switchedAt(state.now());
    }
    return deployment.with(refreshed(deployment, deployment.current()), next);
  }

  /** A layout in preparation is given up when one of its peers leaves. */
  private boolean broken(List<Holder> holders) {
    return holders.isEmpty() || state.is(holders.getFirst().peer(), PeerState.DRAINING);
  }

  private Layout refreshed(Deployment deployment, Layout layout) {
    var all = new ArrayList<List<Holder>>();
    for (int stage = 0; stage < layout.stages(); stage++) {
      var key = new SegmentKey(deployment.name(), layout.digest(), stage);
      all.add(refreshed(key, layout.needs().get(stage), layout.holders().get(stage)));
    }
    return layout.withHolders(all);
  }

  private List<Holder> refreshed(SegmentKey key, StageNeed need, List<Holder> before) {
    var here = new ArrayList<Holder>();
    for (var holder : before) {
      var peer = state.peers().get(holder.peer());
      if (peer == null
          || peer.state() == PeerState.LOST
          || !need.fits(peer)
          || state.avoids(holder.peer(), key)) {
        continue;
      }
      boolean ready =
          state.held().containsKey(holder.peer())
              ? state.held(holder.peer(), key).map(Held::ready).orElse(false)
              : holder.ready();
      here.add(new Holder(peer.name(), peer.address(), ready));
    }
    handOver(here);
    return here;
  }

  /** Puts first who should serve. */
  private void handOver(List<Holder> holders) {
    if (holders.isEmpty()) {
      return;
    }
    var first = holders.getFirst();
    boolean leaving = state.is(first.peer(), PeerState.DRAINING);
    if (!first.ready() || leaving) {
      holders.stream()
          .filter(holder -> holder.ready() && !state.is(holder.peer(), PeerState.DRAINING))
          .findFirst()
          .ifPresent(holder -> {
            holders.remove(holder);
            holders.addFirst(holder);
          });
    }
    var serving = holders.getFirst();
    holders.removeIf(
        holder -> !holder.equals(serving) && state.is(holder.peer(), PeerState.DRAINING));
  }

  private static List<Slot> slots(Deployment deployment, Layout layout, boolean spares) {
    var slots = new ArrayList<Slot>();
    for (int stage = 0; stage < layout.stages(); stage++) {
      var key = new SegmentKey(deployment.name(), layout.digest(), stage);
      slots.add(new Slot(key, layout.needs().get(stage), spares, layout.holders().get(stage)));
    }
    return slots;
  }

  /** Takes what first holders need from the peers' memory, and what peers still have of before. */
  private void reserve(List<Slot> slots) {
    state.peers().values().forEach(peer -> free.put(peer.name(), peer.memory()));
    var known = new HashSet<SegmentKey>();
    for (var slot : slots) {
      known.add(slot.key);
      if (!slot.holders.isEmpty()) {
        take(slot.holders.getFirst().peer(), slot.need.bytes());
      }
    }
    state
        .held()
        .forEach((peer, segments) ->
            segments.stream()
                .filter(held -> !known.contains(held.key()))
                .forEach(held -> take(peer, held.bytes())));
  }

  private void take(String peer, long bytes) {
    free.merge(peer, -bytes, Long::sum);
  }

  private boolean room(String peer, long bytes) {
    return free.getOrDefault(peer, 0L) >= bytes;
  }

  private void fill(List<Slot> slots) {
    for (var slot : slots) {
      if (slot.holders.isEmpty()) {
        add(slot);
      }
    }
    // Who stands by already goes on, most worth first, while the memory lasts.
    var spares =
        slots.stream()
            .filter(slot -> slot.spares && !slot.holders.isEmpty())
            .sorted(Comparator.comparingDouble((Slot slot) -> -worth(slot)))
            .toList();
    for (int rank = 1; rank <= MOST_STANDBYS; rank++) {
      for (var slot : spares) {
        while (slot.holders.size() > rank
            && !room(slot.holders.get(rank).peer(), slot.need.bytes())) {
          slot.holders.remove(rank);
        }
        if (slot.holders.size() > rank) {
          take(slot.holders.get(rank).peer(), slot.need.bytes());
        }
        if (slot.holders.size() == rank && mayStandBy(slots, slot)) {
          add(slot);
        }
      }
    }
    for (var slot : spares) {
      while (slot.holders.size() > MOST_STANDBYS + 1) {
        slot.holders.removeLast();
      }
    }
  }

  /** First all stages of a deployment are to serve, then others shall fetch the same blobs. */
  private boolean mayStandBy(List<Slot> slots, Slot slot) {
    if (leaving(slot)) {
      return true;
    }
    for (var other : slots) {
      if (other.key.deployment().equals(slot.key.deployment())
          && other.key.digest().equals(slot.key.digest())
          && (other.holders.isEmpty() || !other.holders.getFirst().ready())) {
        return false;
      }
    }
    return true;
  }

  private boolean leaving(Slot slot) {
    return state.is(slot.holders.getFirst().peer(), PeerState.DRAINING);
  }

  /**
   * How much a standby of a stage is worth: how likely it is to be needed, times the seconds that
   * it saves. A stage that must be handed over comes before all others.
   */
  private double worth(Slot slot) {
    var serving = slot.holders.getFirst().peer();
    if (leaving(slot)) {
      return Double.POSITIVE_INFINITY;
    }
    double risk = 1 + state.peer(serving).map(Peer::losses).orElse(0);
    return risk * (slot.need.weights() / ASSUMED_BANDWIDTH + COMPILE_SECONDS);
  }

  private void add(Slot slot) {
    state.peers().values().stream()
        .filter(peer -> peer.state() == PeerState.ALIVE && slot.need.fits(peer))
        .filter(peer -> !slot.holds(peer.name()) && !state.avoids(peer.name(), slot.key))
        .filter(peer -> room(peer.name(), slot.need.bytes()))
        .max(
            Comparator.comparing((Peer peer) -> has(peer, slot))
                .thenComparing(peer -> free.getOrDefault(peer.name(), 0L)))
        .ifPresent(peer -> {
          boolean ready = state.held(peer.name(), slot.key).map(Held::ready).orElse(false);
          slot.holders.add(new Holder(peer.name(), peer.address(), ready));
          take(peer.name(), slot.need.bytes());
        });
  }

  /** Whether the peer has the segment still, from before it was lost. */
  private boolean has(Peer peer, Slot slot) {
    return state.held(peer.name(), slot.key).isPresent();
  }
}
