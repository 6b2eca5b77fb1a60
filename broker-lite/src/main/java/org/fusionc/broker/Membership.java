package org.fusionc.broker;

import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Held;
import org.fusionc.broker.state.Link;
import org.fusionc.broker.state.LinkFigure;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerSpeed;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.SegmentKey;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.proto.Speed;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who is here: leases, what peers report, and which links they shall measure. */
final class Membership {
  private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,63}");
  private static final int MOST_PEERS = 1000;
  private static final int MOST_DTYPES = 32;
  private static final int LONGEST_VERSION = 64;

  /** As a plan writes it: what is none could not be read where a plan names it. */
  private static final Pattern KIND =
      Pattern.compile("([a-zA-Z]\\w{0,31}(<\\w{1,32}(,\\w{1,32}){0,7}>)?)?");

  /** How often leases are looked at. */
  private static final Duration TICK = Duration.ofMillis(200);

  /** How long a peer gets no order for a segment that it could not get. */
  private static final Duration AVOID = Duration.ofSeconds(30);

  /** How often some pair of peers measures its link again. */
  private static final Duration PROBE = Duration.ofSeconds(20);

  /**
   * How long things last.
   *
   * @param lease without a report, until a peer counts as lost
   * @param report between two reports of a peer
   */
  record Times(Duration lease, Duration report) {
    static final Times DEFAULT = new Times(Duration.ofSeconds(5), Duration.ofSeconds(1));
  }

  private final Ledger ledger;
  private final Times times;
  private final Map<String, Long> seen = new HashMap<>();
  private final Map<String, Attendance> attending = new HashMap<>();
  private final Map<String, PeerReport> reports = new HashMap<>();
  private final Map<String, Set<String>> probes = new HashMap<>();
  private final Map<Map.Entry<String, SegmentKey>, Long> avoid = new HashMap<>();
  private long lastProbe = System.nanoTime();
  private int turn;

  Membership(Ledger ledger, Times times) {
    this.ledger = ledger;
    this.times = times;
  }

  Times times() {
    return times;
  }

  /** Called when this broker leads no more: what it has seen means nothing when it does again. */
  synchronized void end() {
    attending.clear();
    reports.clear();
    probes.clear();
    seen.clear();
    avoid.clear();
  }

  /** Called when this broker begins to lead: all that were here have time to come back. */
  synchronized void begin(ClusterState state) {
    end();
    long now = System.nanoTime();
    state.peers().keySet().forEach(name -> seen.put(name, now + times.lease.toNanos()));
  }

  /**
   * Takes a peer in.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if its name is malformed or another
   *     instance's
   */
  synchronized void join(PeerReport report, Attendance attendance) {
    var join = report.getJoin();
    check(join);
    var before = ledger.state().peers().get(join.getName());
    if (before != null
        && before.state() != PeerState.LOST
        && !before.instance().equals(join.getInstance())) {
      throw Diagnostic.failed(
              Location.named("peer " + join.getName()),
              "another peer of this name is here, at " + before.address(),
              "choose another --name; or, if it was this one under another data directory, wait"
                  + " until its lease runs out")
          .exception();
    }
    if (before == null && ledger.state().peers().size() >= MOST_PEERS) {
      throw Diagnostic.failed(
              Location.named("peer " + join.getName()),
              "the cluster has " + MOST_PEERS + " peers already",
              "remove some")
          .exception();
    }
    var peer =
        new Peer(
            join.getName(),
            join.getInstance(),
            join.getAddress(),
            join.getMemory(),
            join.getKind().isEmpty() ? "cpu" : join.getKind(),
            join.getThreads(),
            join.getVersion(),
            before != null && before.instance().equals(join.getInstance()) ? before.speed() : null,
            before == null ? 0 : before.losses(),
            // One that has orders is no new process: its stream was cut off, and it still drains.
            before != null && before.state() == PeerState.DRAINING && report.getOrdersVersion() != 0
                ? PeerState.DRAINING
                : PeerState.ALIVE);
    seen.put(peer.name(), System.nanoTime());
    var other = attending.put(peer.name(), attendance);
    if (other != null) {
      other.end(Status.ABORTED.withDescription("the peer attends on another stream"));
    }
    avoid.keySet().removeIf(entry -> entry.getKey().equals(peer.name()));
    ledger.update(state -> state.withPeer(peer).withHeld(peer.name(), held(report)));
    LOG.info(
        "peer {} {} at {}: {} MiB, {} threads, fusionc {}",
        peer.name(),
        before == null ? "joined" : "is back",
        peer.address(),
        peer.memory() >> 20,
        peer.threads(),
        peer.version());
    probeAll(peer.name());
  }

  private static void check(Join join) {
    if (!NAME.matcher(join.getName()).matches()) {
      throw Diagnostic.usage(
              "'" + shortened(join.getName()) + "' is no name of a peer",
              "use 1 to 63 letters, digits, '-' and '_'")
          .exception();
    }
    if (join.getInstance().isEmpty() || join.getInstance().length() > 64) {
      throw Diagnostic.usage("a peer's instance is a UUID", "use fusionc peer").exception();
    }
    if (join.getMemory() <= 0) {
      throw Diagnostic.usage(
              "peer " + join.getName() + " offers no memory", "give it some with --memory")
          .exception();
    }
    if (!KIND.matcher(join.getKind()).matches()) {
      throw Diagnostic.usage(
              "'" + shortened(join.getKind()) + "' is no kind of device", "use fusionc peer")
          .exception();
    }
    if (join.getVersion().length() > LONGEST_VERSION
        || join.getVersion().chars().anyMatch(Character::isISOControl)) {
      throw Diagnostic.usage("a peer's version is no text of a line", "use fusionc peer")
          .exception();
    }
    Address.parse(join.getAddress());
  }

  private static String shortened(String text) {
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }

  private void probeAll(String newcomer) {
    for (var other : ledger.state().peers().values()) {
      if (!other.name().equals(newcomer) && other.state() != PeerState.LOST) {
        probe(newcomer, other.name());
        probe(other.name(), newcomer);
      }
    }
    ledger.wake();
  }

  private void probe(String from, String to) {
    probes.computeIfAbsent(from, name -> new TreeSet<>()).add(to);
  }

  /** The peers to which this one shall measure its link now; each is told once. */
  synchronized Set<String> takeProbes(String peer) {
    var taken = probes.remove(peer);
    return taken == null ? Set.of() : taken;
  }

  /** What a peer says. */
  synchronized void report(String name, PeerReport report, Attendance attendance) {
    if (attending.get(name) != attendance) {
      // It joined before this broker came to lead anew, which may take no time at all.
      attendance.end(Status.UNAVAILABLE.withDescription("this broker leads anew: join again"));
      return;
    }
    seen.put(name, System.nanoTime());
    reports.put(name, report);
    var held = held(report);
    for (var segment : held) {
      if (segment.failed()
          && avoid.put(Map.entry(name, segment.key()), System.nanoTime() + AVOID.toNanos())
              == null) {
        LOG.warn("peer {} cannot hold {}: {}", name, segment.key(), segment.failure());
      }
    }
    var avoided = avoided();
    ledger.update(state -> {
      var next = state.withHeld(name, held).withAvoid(avoided);
      var peer = next.peers().get(name);
      if (peer == null) {
        return next;
      }
      if (peer.state() == PeerState.LOST) {
        LOG.info("peer {} is here again", name);
        peer = peer.with(PeerState.ALIVE);
      }
      if (report.getDraining() && peer.state() == PeerState.ALIVE) {
        LOG.info("peer {} wants to leave", name);
        peer = peer.with(PeerState.DRAINING);
      }
      if (report.hasSpeed() && isSpeed(report.getSpeed())) {
        peer =
            peer.with(
                new PeerSpeed(
                    new TreeMap<>(report.getSpeed().getFlopsMap()),
                    report.getSpeed().getBandwidth()));
      }
      next = next.withPeer(peer);
      for (var link : report.getLinksList()) {
        if (next.peers().containsKey(link.getTo())
            && !link.getTo().equals(name)
            && Double.isFinite(link.getLatency())
            && Double.isFinite(link.getBandwidth())) {
          next =
              next.withLink(
                  new Link(name, link.getTo()),
                  new LinkFigure(Math.max(0, link.getLatency()), Math.max(0, link.getBandwidth())));
        }
      }
      return next;
    });
  }

  /** What is no number would spread into every plan. */
  private static boolean isSpeed(Speed speed) {
    return speed.getBandwidth() > 0
        && Double.isFinite(speed.getBandwidth())
        && speed.getFlopsCount() <= MOST_DTYPES
        && speed.getFlopsMap().values().stream().allMatch(f -> f >= 0 && Double.isFinite(f));
  }

  private static List<Held> held(PeerReport report) {
    var held = new ArrayList<Held>();
    for (var segment : report.getSegmentsList()) {
      boolean failed = segment.getPhase() == SegmentState.Phase.FAILED;
      held.add(
          new Held(
              new SegmentKey(
                  segment.getDeployment(),
                  HexFormat.of().formatHex(segment.getPlanDigest().toByteArray()),
                  segment.getStage()),
              segment.getPhase() == SegmentState.Phase.READY,
              failed
                  ? segment.getMessage().isEmpty() ? "it did not say why" : segment.getMessage()
                  : "",
              segment.getBytes(),
              segment.getRuns()));
    }
    return held;
  }

  private Map<String, Set<SegmentKey>> avoided() {
    long now = System.nanoTime();
    avoid.values().removeIf(until -> until - now < 0);
    var all = new HashMap<String, Set<SegmentKey>>();
    avoid
        .keySet()
        .forEach(entry ->
            all.computeIfAbsent(entry.getKey(), name -> new HashSet<>()).add(entry.getValue()));
    return all;
  }

  /** A peer's stream has ended; unless it was told to leave, its lease goes on. */
  synchronized void ended(String name, Attendance attendance, boolean left) {
    if (attending.get(name) != attendance) {
      return;
    }
    attending.remove(name);
    if (left) {
      LOG.info("peer {} has left", name);
      seen.remove(name);
      reports.remove(name);
      ledger.update(state -> state.withoutPeer(name));
    }
  }

  /**
   * Has a peer hand over what it has and leave, and forgets one that is lost; whether there is such
   * a peer.
   */
  synchronized boolean drain(String name) {
    var peer = ledger.state().peer(name);
    if (peer.isEmpty()) {
      return false;
    }
    if (peer.get().state() == PeerState.LOST) {
      ledger.update(state -> state.withoutPeer(name));
      seen.remove(name);
      var hung = attending.remove(name);
      if (hung != null) {
        hung.end(Status.ABORTED.withDescription("the peer was lost, and has been forgotten"));
      }
      LOG.info("peer {} was lost, and is forgotten", name);
      return true;
    }
    ledger.update(state ->
        state.peer(name).map(p -> state.withPeer(p.with(PeerState.DRAINING))).orElse(state));
    LOG.info("peer {} is drained", name);
    return true;
  }

  /** Whether a draining peer has nothing left that anybody needs. */
  static boolean mayLeave(ClusterState state, String name) {
    if (!state.is(name, PeerState.DRAINING)) {
      return false;
    }
    for (var deployment : state.deployments().values()) {
      var layouts = new ArrayList<>(List.of(deployment.current()));
      if (deployment.next() != null) {
        layouts.add(deployment.next());
      }
      for (var layout : layouts) {
        for (var holders : layout.holders()) {
          if (holders.stream().anyMatch(holder -> holder.peer().equals(name))) {
            return false;
          }
        }
      }
    }
    return state.held().getOrDefault(name, List.of()).stream().allMatch(held -> held.runs() == 0);
  }

  synchronized @Nullable PeerReport lastReport(String name) {
    return reports.get(name);
  }

  synchronized double secondsSinceReport(String name) {
    var at = seen.get(name);
    return at == null ? -1 : Math.max(0, (System.nanoTime() - at) / 1e9);
  }

  /** Watches the leases until interrupted. */
  void run() {
    try {
      while (true) {
        Thread.sleep(TICK);
        try {
          tick();
        } catch (Ledger.NotLeading other) {
          // Then somebody else watches them.
        } catch (RuntimeException failure) {
          LOG.error("leases could not be looked at: {}", failure.toString());
        }
      }
    } catch (InterruptedException ending) {
      // The broker closes.
    }
  }

  private synchronized void tick() {
    if (!ledger.leads()) {
      return;
    }
    long now = System.nanoTime();
    var state = ledger.state();
    for (var peer : state.peers().values()) {
      long last = seen.getOrDefault(peer.name(), now);
      if (peer.state() != PeerState.LOST && now - last > times.lease.toNanos()) {
        LOG.warn("peer {} is lost: no report for {} s", peer.name(), (now - last) / 1_000_000_000);
        reports.remove(peer.name());
        ledger.update(s -> s.withPeer(peer.with(PeerState.LOST)).withoutHeld(peer.name()));
      }
    }
    if (now - lastProbe > PROBE.toNanos()) {
      lastProbe = now;
      probeNext(state);
    }
    if (!avoid.isEmpty()) {
      var avoided = avoided();
      if (!avoided.equals(ledger.state().avoid())) {
        ledger.update(s -> s.withAvoid(avoided));
      }
    }
  }

  private void probeNext(ClusterState state) {
    var here =
        state.peers().values().stream()
            .filter(peer -> peer.state() == PeerState.ALIVE)
            .map(Peer::name)
            .toList();
    int pairs = here.size() * (here.size() - 1);
    if (pairs > 0) {
      turn = (turn + 1) % pairs;
      int from = turn / (here.size() - 1);
      int to = turn % (here.size() - 1);
      probe(here.get(from), here.get(to >= from ? to + 1 : to));
      ledger.wake();
    }
  }
}
