package org.fusionc.broker.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Held;
import org.fusionc.broker.state.Orders;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerSpeed;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.Placement;
import org.fusionc.broker.state.Wish;
import org.fusionc.ir.DType;
import org.fusionc.ir.Module;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** When a deployment moves: on lasting gains, and not to and fro. Time passes by numbers only. */
class ReplanningTest {
  private static final Wish WISH = new Wish("latency", 512, 1, "f32", 0, false);
  private static final Replanning.Policy POLICY = Replanning.Policy.DEFAULT;
  private static Module module;

  @BeforeAll
  static void read() {
    var folder = Path.of("").toAbsolutePath();
    while (!folder.resolve("examples/shakespeare").toFile().isDirectory()) {
      folder = folder.getParent();
    }
    try (var source = ModelSource.open(folder.resolve("examples/shakespeare"), DType.Scalar.F32)) {
      var options = Compiler.Options.whole(Compiler.backend("interp"), Phase.QUANTIZED);
      module = Compiler.compile(source.module(), source.phase(), options).module();
    }
  }

  private static Peer peer(String name, double speed) {
    var figures = new PeerSpeed(new TreeMap<>(Map.of("f32", 1e9 * speed)), 1e9 * speed);
    return new Peer(
        name, "i-" + name, name + ":1", 1 << 30, "cpu", 1, "1", figures, 0, PeerState.ALIVE);
  }

  /** All that is ordered is there. */
  private static ClusterState ready(ClusterState state) {
    var next = state;
    for (var orders : Orders.of(state).entrySet()) {
      next =
          next.withHeld(
              orders.getKey(),
              orders.getValue().stream()
                  .map(o -> new Held(o.key(), true, "", o.need().bytes(), 0))
                  .toList());
    }
    return Placement.reconcile(next);
  }

  private static ClusterState deployed(ClusterState state) {
    var plan = PlanMaker.plan(module, LiveCluster.of(state, ""), WISH);
    var layout = PlanMaker.layout(plan, state);
    var deployment = new Deployment("m", "sha256:0", WISH, 32, 16, layout, null, 1, 0);
    return ready(ready(ready(Placement.reconcile(state.withDeployment(deployment)))));
  }

  private static String serving(ClusterState state) {
    return state.deployments().get("m").current().holders().getFirst().getFirst().peer();
  }

  /** Looks every five seconds, as the broker does; gives when the deployment moved. */
  private static List<Integer> moves(ClusterState start, int looks, World world) {
    var moves = new ArrayList<Integer>();
    var patience = new Patience(POLICY.times());
    var state = start;
    for (int look = 1; look <= looks; look++) {
      state = world.at(look, state.at(look * POLICY.every().toMillis()));
      var seen = state.deployments().get("m");
      var better = Replanning.look(() -> module, state, seen, POLICY, patience);
      if (better.isPresent()) {
        moves.add(look);
        var next = Replanning.adopted(seen, seen, better.get().layout(), state.now());
        state = ready(ready(Placement.reconcile(state.withDeployment(next))));
      }
    }
    return moves;
  }

  /** What becomes of the cluster until a look. */
  private interface World {
    ClusterState at(int look, ClusterState state);
  }

  private static List<Integer> moves(ClusterState start, int looks, IntToDoubleFunction speed) {
    return moves(
        start,
        looks,
        (int look, ClusterState state) -> state.withPeer(peer("b", speed.applyAsDouble(look))));
  }

  private static ClusterState two() {
    return deployed(ClusterState.EMPTY.withPeer(peer("a", 1)).withPeer(peer("b", 0.3)));
  }

  @Test
  void aLastingGainIsTakenOnce() {
    var state = two();
    assertThat(serving(state)).isEqualTo("a");
    assertThat(moves(state, 45, look -> look < 20 ? 0.3 : 10)).containsExactly(22);
  }

  @Test
  void whatIsFasterNowAndThenIsNotMovedTo() {
    assertThat(moves(two(), 45, look -> look % 2 == 0 ? 10 : 0.3)).isEmpty();
    assertThat(moves(two(), 45, look -> look % 3 == 0 ? 0.3 : 10)).isEmpty();
  }

  @Test
  void smallGainsAreNotWorthIt() {
    assertThat(moves(two(), 45, look -> 1.1)).isEmpty();
  }

  @Test
  void memoryThatBecomesFreeIsSeen() {
    var small = peer("b", 10);
    small = new Peer("b", "i-b", "b:1", 1000, "cpu", 1, "1", small.speed(), 0, PeerState.ALIVE);
    var state = deployed(ClusterState.EMPTY.withPeer(peer("a", 1)).withPeer(small));
    assertThat(serving(state)).isEqualTo("a");
    // It comes back with more memory, and is as fast as it was.
    assertThat(moves(state, 30, (look, now) -> look == 15 ? now.withPeer(peer("b", 10)) : now))
        .containsExactly(17);
  }

  @Test
  void whatStandsByForAFasterPeerGivesTheStageBack() {
    var state = two();
    var away = new ArrayList<String>();
    var moves =
        moves(
            state,
            30,
            (look, now) -> {
              if (look == 15) {
                // It starts anew, so quickly that it is never lost, and is soon as it was.
                now = Placement.reconcile(now.withHeld("a", List.of()));
                away.add(serving(now));
                return ready(now);
              }
              away.add(serving(now));
              return now;
            });
    assertThat(away.get(14)).isEqualTo("b");
    assertThat(moves).containsExactly(17);
    assertThat(away.getLast()).isEqualTo("a");
  }

  @Test
  void aNewcomerIsSeenThoughItCameWhileAStageWasNotReady() {
    var moves =
        moves(
            two(),
            30,
            (look, now) ->
                switch (look) {
                  case 15 ->
                      Placement.reconcile(
                          now.withPeer(peer("y", 100))
                              .withHeld("a", List.of())
                              .withHeld("b", List.of()));
                  case 16 -> ready(now);
                  default -> now;
                });
    assertThat(moves).containsExactly(18);
  }

  @Test
  void aRescueThatIsNotNeededAnyMoreIsNotMade() {
    var state = two();
    var seen = state.deployments().get("m");
    var stuck = seen.with(seen.current().withHolders(List.of(List.of())), null);
    var left = state.withoutPeer("a").withDeployment(stuck);
    var layout = Replanning.rescue(module, left, stuck).orElseThrow();
    assertThat(Replanning.rescued(stuck, stuck, layout, 7).current().serving())
        .containsExactly("b");
    assertThat(Replanning.rescued(stuck, stuck, layout, 7).changedAt()).isEqualTo(7);
    assertThat(Replanning.rescued(stuck, seen, layout, 7)).isEqualTo(seen);
  }

  @Test
  void aFasterPeerThatComputesOtherBitsIsNotMovedTo() {
    var fast = new PeerSpeed(new TreeMap<>(Map.of("f32", 1e11)), 1e11);
    var other = new Peer("z", "i-z", "z:1", 1 << 30, "cpu<avx2>", 1, "1", fast, 0, PeerState.ALIVE);
    var state = two().withPeer(other).at(3_600_000);
    assertThat(Replanning.better(module, state, state.deployments().get("m"), POLICY)).isEmpty();
    var same = state.withPeer(peer("y", 100));
    assertThat(Replanning.better(module, same, same.deployments().get("m"), POLICY))
        .hasValueSatisfying(better ->
            assertThat(better.layout().holders().getFirst().getFirst().peer()).isEqualTo("y"));
  }

  @Test
  void slowOscillationsMoveItNoMoreOftenThanItMayAndItRestsInBetween() {
    var moves = moves(two(), 45, look -> look / 4 % 2 == 0 ? 10 : 0.1);
    for (int i = 1; i < moves.size(); i++) {
      assertThat((moves.get(i) - moves.get(i - 1)) * POLICY.every().toSeconds())
          .isGreaterThanOrEqualTo(POLICY.rest().toSeconds());
    }
  }
}
