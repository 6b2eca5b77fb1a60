package org.fusionc.broker.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Layout;
import org.fusionc.broker.state.LinkFigure;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerSpeed;
import org.fusionc.broker.state.PeerState;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Unit.Dimension;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterDevice;
import org.fusionc.partitioner.cluster.LinkSpeed;
import org.fusionc.partitioner.cluster.MachineLink;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.PeerStatus;

/** The peers that are here, as the planner sees them. */
public final class LiveCluster {
  private LiveCluster() {}

  /**
   * The peers that may get something new, with the memory that serving stages leave. The backup
   * pool counts as free: it makes room.
   *
   * @param except a deployment whose own stages do not count; empty for none
   */
  public static Cluster of(ClusterState state, String except) {
    var taken = taken(state, except);
    var devices = new ArrayList<ClusterDevice>();
    for (var peer : state.peers().values()) {
      long memory = peer.memory() - taken.getOrDefault(peer.name(), 0L);
      if (peer.state() == PeerState.ALIVE && memory > 0) {
        devices.add(device(peer, (double) memory));
      }
    }
    return new Cluster(
        "the cluster", devices, links(state), Optional.of(speed(LinkFigure.ASSUMED)));
  }

  /**
   * The same as a broker's status tells it: the peers that are alive, with the memory that the
   * stages which they serve leave.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if no peer is alive
   */
  public static Cluster of(ClusterStatus status) {
    var devices = new ArrayList<ClusterDevice>();
    var alive = new HashSet<String>();
    for (var peer : status.getPeersList()) {
      if (!peer.getState().equals(PeerState.ALIVE.toString())) {
        continue;
      }
      alive.add(peer.getName());
      long memory = peer.getMemory() - serving(status, peer);
      if (memory > 0) {
        devices.add(device(peer(peer), (double) memory));
      }
    }
    if (devices.isEmpty()) {
      throw Diagnostic.infeasible(
              Location.named("broker " + status.getBroker()),
              alive.isEmpty() ? "no peer is here" : "no peer has memory left",
              "start one with fusionc peer --broker " + status.getBroker())
          .exception();
    }
    var links = new ArrayList<MachineLink>();
    for (var link : status.getLinksList()) {
      if (alive.contains(link.getFrom()) && alive.contains(link.getTo())) {
        var figure = new LinkFigure(link.getLatency(), link.getBandwidth());
        links.add(new MachineLink(link.getFrom(), link.getTo(), false, speed(figure)));
      }
    }
    return new Cluster("the cluster", devices, links, Optional.of(speed(LinkFigure.ASSUMED)));
  }

  /** Bytes of the stages that a peer is the first to serve. */
  private static long serving(ClusterStatus status, PeerStatus peer) {
    long bytes = 0;
    for (var deployment : status.getDeploymentsList()) {
      for (var segment : peer.getSegmentsList()) {
        int stage = segment.getStage();
        if (segment.getDeployment().equals(deployment.getName())
            && stage < deployment.getStagesCount()
            && deployment.getStages(stage).getHoldersCount() > 0
            && deployment.getStages(stage).getHolders(0).getPeer().equals(peer.getName())) {
          bytes += segment.getBytes();
        }
      }
    }
    return bytes;
  }

  private static Peer peer(PeerStatus peer) {
    var speed =
        peer.hasSpeed()
            ? new PeerSpeed(
                new TreeMap<>(peer.getSpeed().getFlopsMap()), peer.getSpeed().getBandwidth())
            : null;
    return new Peer(
        peer.getName(),
        "",
        peer.getAddress(),
        peer.getMemory(),
        peer.getKind(),
        peer.getThreads(),
        "",
        speed,
        0,
        PeerState.ALIVE);
  }

  /** Bytes that the stages take which a peer is the first to serve, or will be, by peer. */
  static Map<String, Long> taken(ClusterState state, String except) {
    var taken = new HashMap<String, Long>();
    for (var deployment : state.deployments().values()) {
      if (!deployment.name().equals(except)) {
        take(taken, deployment.current());
        if (deployment.next() != null) {
          take(taken, deployment.next());
        }
      }
    }
    return taken;
  }

  private static void take(Map<String, Long> taken, Layout layout) {
    for (int stage = 0; stage < layout.stages(); stage++) {
      long bytes = layout.needs().get(stage).bytes();
      layout.holders().get(stage).stream()
          .limit(1)
          .forEach(holder -> taken.merge(holder.peer(), bytes, Long::sum));
    }
  }

  /** A peer as a device with so much memory, in bytes. */
  static ClusterDevice device(Peer peer, double memory) {
    var speed = peer.speedOrAssumed();
    var speeds = new TreeMap<String, Double>();
    var stated =
        Attributes.NONE
            .with("memory", memory, Dimension.BYTES)
            .with("bandwidth", speed.bandwidth(), Dimension.BYTES_PER_SECOND);
    for (var dtype : ClusterDevice.DTYPES) {
      var flops = speed.flops().get(dtype);
      if (flops != null && flops > 0) {
        speeds.put(dtype, flops);
        stated = stated.with(dtype, flops, Dimension.OPERATIONS_PER_SECOND);
      }
    }
    return new ClusterDevice(peer.device(), peer.kind(), memory, speed.bandwidth(), speeds, stated);
  }

  private static List<MachineLink> links(ClusterState state) {
    var links = new ArrayList<MachineLink>();
    state
        .links()
        .forEach((link, figure) -> {
          if (state.is(link.from(), PeerState.ALIVE) && state.is(link.to(), PeerState.ALIVE)) {
            links.add(new MachineLink(link.from(), link.to(), false, speed(figure)));
          }
        });
    return links;
  }

  private static LinkSpeed speed(LinkFigure figure) {
    // A link that is down may come up again: so slow that no plan uses it while there is another
    // way.
    return figure.reachable()
        ? new LinkSpeed(figure.bandwidth(), figure.latency())
        : new LinkSpeed(1e3, 10);
  }
}
