package org.fusionc.broker.plan;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Layout;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.Wish;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.fusionc.partitioner.Objective;
import org.fusionc.partitioner.PlanChecker;
import org.fusionc.partitioner.PlanOptions;
import org.fusionc.partitioner.cluster.Cluster;

/**
 * Whether another plan would serve a deployment better by so much that moving is worth it, on the
 * peers as they are measured now.
 */
public final class Replanning {
  /** Ways to put stages on peers that are tried where the cuts must stay. */
  private static final int MOST_ORDERS = 720;

  /** Peers that are looked at for that: not every beginning can be gone on with. */
  private static final int MOST_STEPS = 100_000;

  /**
   * When to move.
   *
   * @param gain the share by which the expected cost must fall
   * @param rest after a change, until the next one
   * @param times in a row that a better plan must be there
   * @param every how often plans are looked at
   */
  public record Policy(double gain, Duration rest, int times, Duration every) {
    public static final Policy DEFAULT =
        new Policy(0.15, Duration.ofSeconds(30), 3, Duration.ofSeconds(5));

    /** The same, but deployments rest so long; they are looked at so often that it matters. */
    public Policy withRest(Duration other) {
      var often = Duration.ofMillis(Math.max(200, other.toMillis() / 6));
      return new Policy(gain, other, times, often.compareTo(every) < 0 ? often : every);
    }
  }

  private Replanning() {}

  /**
   * A better plan than the present one.
   *
   * @param layout to be prepared
   * @param before expected cost of the present plan: seconds per token
   * @param after of the new one
   */
  public record Better(Layout layout, double before, double after) {}

  /**
   * Looks at a deployment: the better plan to move to now, if there is one and it has been there
   * for long enough.
   *
   * @param module asked for only if it is needed
   * @param patience knows of earlier looks, and of this one afterwards
   */
  public static Optional<Better> look(
      Supplier<Module> module,
      ClusterState state,
      Deployment deployment,
      Policy policy,
      Patience patience) {
    // What is about to change by itself is not judged: "none is better" would be remembered.
    if (!isSettled(state, deployment, policy)) {
      return Optional.empty();
    }
    var name = deployment.name();
    var now = fingerprint(state, deployment);
    if (patience.isSettled(name, now)) {
      return Optional.empty();
    }
    var found = better(module.get(), state, deployment, policy);
    if (found.isEmpty()) {
      patience.none(name, now);
      return found;
    }
    return patience.found(name) ? found : Optional.empty();
  }

  /**
   * A deployment with a better plan being prepared. Where that is the present one, which others
   * have come to serve, those that it names serve again.
   *
   * @param seen the deployment when it was looked at
   * @param now as it is; if it has another plan since then, it stays so
   */
  public static Deployment adopted(Deployment seen, Deployment now, Layout layout, long millis) {
    var current = now.current();
    if (now.next() != null || !current.digest().equals(seen.current().digest())) {
      return now;
    }
    // By what it says, not by its digest: a peer that was away has measured itself again.
    if (!PlanMaker.same(PlanMaker.parse(layout.plan()), current)) {
      return now.with(current, layout);
    }
    var named = layout.holders().stream().map(List::getFirst).toList();
    var changed = current.preferring(named);
    var moved = now.with(changed, null);
    return changed.serving().equals(current.serving()) ? moved : moved.switchedAt(millis);
  }

  /** A deployment with the plan that rescues it, unless somebody has come meanwhile. */
  public static Deployment rescued(Deployment seen, Deployment now, Layout layout, long millis) {
    boolean same = now.current().digest().equals(seen.current().digest());
    return same && now.current().stuck() ? now.with(layout, null).switchedAt(millis) : now;
  }

  /**
   * Whether all its stages are served, nothing is being prepared, and the last change is long ago.
   */
  private static boolean isSettled(ClusterState state, Deployment deployment, Policy policy) {
    return deployment.next() == null
        && deployment.current().ready()
        && state.now() - deployment.changedAt() >= policy.rest().toMillis();
  }

  /** The better plan, if there is one, its gain is enough, and the last change is long ago. */
  public static Optional<Better> better(
      Module module, ClusterState state, Deployment deployment, Policy policy) {
    if (deployment.wish().given() || !isSettled(state, deployment, policy)) {
      return Optional.empty();
    }
    try {
      double before = cost(present(module, state, deployment), deployment.wish());
      var plan = candidate(module, state, deployment);
      if (plan.isEmpty()) {
        return Optional.empty();
      }
      double after = cost(plan.get(), deployment.wish());
      return after <= before * (1 - policy.gain())
          ? Optional.of(new Better(PlanMaker.layout(plan.get(), state), before, after))
          : Optional.empty();
    } catch (DiagnosticException nothingFits) {
      // The new segments must fit beside the old ones; where they do not, all stays as it is.
      return Optional.empty();
    }
  }

  /**
   * A plan for a deployment one of whose stages nobody can hold any more, over what is left. The
   * memory of its own stages counts as free: runs cannot use them anyway.
   */
  public static Optional<Layout> rescue(Module module, ClusterState state, Deployment deployment) {
    var kind = deployment.current().kind();
    if (!deployment.current().stuck()
        || kind.isEmpty()
        || deployment.wish().given()
        || !deployment.wish().exact()) {
      return Optional.empty();
    }
    try {
      var wish = deployment.wish();
      // Fewer peers may be left than stages were asked for.
      var any =
          new Wish(wish.objective(), wish.context(), wish.sessions(), wish.encode(), 0, false);
      var left = LiveCluster.of(of(kind.get(), state), deployment.name());
      var plan = PlanMaker.plan(module, left, any);
      return Optional.of(PlanMaker.layout(plan, state));
    } catch (DiagnosticException nothingFits) {
      return Optional.empty();
    }
  }

  private static PlanOptions options(Wish wish) {
    return new PlanOptions(PlanMaker.objective(wish.objective()), wish.context(), wish.sessions());
  }

  /** Seconds per token, by what the plan is for. */
  static double cost(Plan plan, Wish wish) {
    var expect = plan.expect();
    return PlanMaker.objective(wish.objective()) == Objective.LATENCY
        ? expect.quantity("decode").map(Quantity::base).orElse(Double.POSITIVE_INFINITY)
        : 1 / expect.quantity("throughput").map(Quantity::base).orElse(0.0);
  }

  /** The present cuts on the peers that serve them now, priced as these are now. */
  private static Plan present(Module module, ClusterState state, Deployment deployment) {
    var plan = PlanMaker.parse(deployment.current().plan());
    var peers = new ArrayList<String>();
    deployment.current().holders().forEach(holders -> peers.add(holders.getFirst().peer()));
    return on(
        module, plan, peers, LiveCluster.of(state, deployment.name()), options(deployment.wish()));
  }

  private static Plan on(
      Module module, Plan plan, List<String> peers, Cluster cluster, PlanOptions options) {
    var stages = new ArrayList<Stage>();
    for (var stage : plan.stages()) {
      stages.add(
          new Stage(
              stage.index(),
              peers.get(stage.index()) + ".cpu",
              stage.function(),
              stage.through(),
              stage.attributes(),
              stage.origin()));
    }
    return PlanChecker.over(module, plan.withStages(stages), cluster, options);
  }

  private static Optional<Plan> candidate(
      Module module, ClusterState state, Deployment deployment) {
    var layout = deployment.current();
    if (deployment.wish().exact() && layout.kind().isPresent()) {
      var alike = LiveCluster.of(of(layout.kind().get(), state), "");
      return Optional.of(PlanMaker.plan(module, alike, deployment.wish()));
    }
    // Rounding where it was not rounded before would change tokens: only the peers may change.
    var plan = PlanMaker.parse(layout.plan());
    var search =
        new Orders(module, plan, LiveCluster.of(state, ""), deployment.wish(), state, layout);
    search.extend(
        state.peers().values().stream()
            .filter(peer -> peer.state() == PeerState.ALIVE)
            .map(Peer::name)
            .toList(),
        new ArrayList<>());
    return search.best.map(PlanMaker::recovering);
  }

  /** The cluster without the peers of other kinds. */
  private static ClusterState of(String kind, ClusterState state) {
    return state.withPeers(peer -> peer.kind().equals(kind));
  }

  /** The same cuts on other peers of the same kinds, each stage on one of its own. */
  private static final class Orders {
    final Module module;
    final Plan plan;
    final Cluster cluster;
    final Wish wish;
    final ClusterState state;
    final Layout layout;
    int tried;
    int steps;
    double cost = Double.POSITIVE_INFINITY;
    Optional<Plan> best = Optional.empty();

    Orders(
        Module module, Plan plan, Cluster cluster, Wish wish, ClusterState state, Layout layout) {
      this.state = state;
      this.layout = layout;
      this.module = module;
      this.plan = plan;
      this.cluster = cluster;
      this.wish = wish;
    }

    void extend(List<String> peers, List<String> order) {
      if (order.size() == plan.stages().size()) {
        offer(order);
        return;
      }
      for (var peer : peers) {
        var need = layout.needs().get(order.size());
        boolean fits = state.peer(peer).map(need::fits).orElse(false);
        boolean goesOn = tried < MOST_ORDERS && steps++ < MOST_STEPS;
        if (fits && !order.contains(peer) && goesOn) {
          order.add(peer);
          extend(peers, order);
          order.removeLast();
        }
      }
    }

    private void offer(List<String> order) {
      tried++;
      try {
        var priced = on(module, plan, order, cluster, options(wish));
        double value = Replanning.cost(priced, wish);
        if (value < cost) {
          cost = value;
          best = Optional.of(priced);
        }
      } catch (DiagnosticException doesNotFit) {
        // Another order may.
      }
    }
  }

  /**
   * What it depends on whether there is a better plan, coarsely: while this is the same, looking
   * for one again would find the same. Measured figures count in steps of a quarter.
   */
  static List<Object> fingerprint(ClusterState state, Deployment deployment) {
    var all = new ArrayList<Object>();
    // A standby may have come to serve, without any figure being another one.
    all.add(deployment.current().digest());
    all.add(deployment.current().serving());
    var taken = LiveCluster.taken(state, "");
    for (var peer : state.peers().values()) {
      if (peer.state() == PeerState.ALIVE) {
        var speed = peer.speedOrAssumed();
        all.add(peer.name());
        all.add(peer.kind());
        all.add(peer.memory() - taken.getOrDefault(peer.name(), 0L));
        all.add(step(speed.bandwidth()));
        all.add(step(Objects.requireNonNullElse(speed.flops().get("f32"), 1.0)));
      }
    }
    state
        .links()
        .forEach((link, figure) -> {
          if (state.is(link.from(), PeerState.ALIVE) && state.is(link.to(), PeerState.ALIVE)) {
            all.add(link);
            all.add(step(figure.bandwidth()));
            all.add(step(Math.max(figure.latency(), 1e-4)));
          }
        });
    return List.copyOf(all);
  }

  private static long step(double figure) {
    return figure <= 0 ? Long.MIN_VALUE : Math.round(Math.log(figure) / Math.log(1.25));
  }
}
