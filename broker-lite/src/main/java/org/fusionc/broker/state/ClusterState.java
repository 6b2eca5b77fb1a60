package org.fusionc.broker.state;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * All that the broker knows.
 *
 * @param peers by name
 * @param links measured
 * @param deployments by name
 * @param held by peer, what it said last that it holds; a peer that has said nothing since the
 *     broker started is absent
 * @param avoid segments that peers could not get lately, by peer
 * @param now Unix milliseconds
 */
public record ClusterState(
    SortedMap<String, Peer> peers,
    SortedMap<Link, LinkFigure> links,
    SortedMap<String, Deployment> deployments,
    Map<String, List<Held>> held,
    Map<String, Set<SegmentKey>> avoid,
    long now) {
  public static final ClusterState EMPTY =
      new ClusterState(new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), Map.of(), Map.of(), 0);

  public ClusterState {
    peers = Collections.unmodifiableSortedMap(new TreeMap<>(peers));
    links = Collections.unmodifiableSortedMap(new TreeMap<>(links));
    deployments = Collections.unmodifiableSortedMap(new TreeMap<>(deployments));
    held = Map.copyOf(held);
    avoid = Map.copyOf(avoid);
  }

  public Optional<Peer> peer(String name) {
    return Optional.ofNullable(peers.get(name));
  }

  /** The digests of the manifests of all that is deployed. */
  public Set<String> manifests() {
    return deployments.values().stream().map(Deployment::manifest).collect(Collectors.toSet());
  }

  public boolean is(String peer, PeerState state) {
    return peer(peer).filter(p -> p.state() == state).isPresent();
  }

  public Optional<Held> held(String peer, SegmentKey key) {
    return held.getOrDefault(peer, List.of()).stream()
        .filter(each -> each.key().equals(key))
        .findFirst();
  }

  public boolean avoids(String peer, SegmentKey key) {
    return avoid.getOrDefault(peer, Set.of()).contains(key);
  }

  /** With those of the peers alone. */
  public ClusterState withPeers(Predicate<Peer> which) {
    var some = new TreeMap<String, Peer>();
    peers.values().stream().filter(which).forEach(peer -> some.put(peer.name(), peer));
    return new ClusterState(some, links, deployments, held, avoid, now);
  }

  public ClusterState withPeer(Peer peer) {
    var others = new TreeMap<>(peers);
    others.put(peer.name(), peer);
    return new ClusterState(others, links, deployments, held, avoid, now);
  }

  public ClusterState withoutPeer(String name) {
    var others = new TreeMap<>(peers);
    others.remove(name);
    var figures = new TreeMap<>(links);
    figures.keySet().removeIf(link -> link.from().equals(name) || link.to().equals(name));
    var reports = new TreeMap<>(held);
    reports.remove(name);
    return new ClusterState(others, figures, deployments, reports, avoid, now);
  }

  public ClusterState withLink(Link link, LinkFigure figure) {
    var others = new TreeMap<>(links);
    others.merge(link, figure, LinkFigure::towards);
    return new ClusterState(peers, others, deployments, held, avoid, now);
  }

  public ClusterState withDeployment(Deployment deployment) {
    var others = new TreeMap<>(deployments);
    others.put(deployment.name(), deployment);
    return withDeployments(others);
  }

  public ClusterState withoutDeployment(String name) {
    var others = new TreeMap<>(deployments);
    others.remove(name);
    return withDeployments(others);
  }

  ClusterState withDeployments(SortedMap<String, Deployment> others) {
    return new ClusterState(peers, links, others, held, avoid, now);
  }

  public ClusterState withHeld(String peer, List<Held> segments) {
    var others = new TreeMap<>(held);
    others.put(peer, List.copyOf(segments));
    return new ClusterState(peers, links, deployments, others, avoid, now);
  }

  public ClusterState withoutHeld(String peer) {
    var others = new TreeMap<>(held);
    others.remove(peer);
    return new ClusterState(peers, links, deployments, others, avoid, now);
  }

  public ClusterState withAvoid(Map<String, Set<SegmentKey>> others) {
    return new ClusterState(peers, links, deployments, held, others, now);
  }

  public ClusterState at(long millis) {
    return new ClusterState(peers, links, deployments, held, avoid, millis);
  }
}
