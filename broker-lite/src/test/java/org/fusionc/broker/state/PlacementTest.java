package org.fusionc.broker.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who holds what, from states written by hand. */
class PlacementTest {
  private static final Wish WISH = new Wish("latency", 512, 1, "f32", 0, false);

  private static Peer peer(String name, long memory, int losses, PeerState state) {
    return new Peer(name, "i-" + name, name + ":1", memory, "cpu", 1, "1", null, losses, state);
  }

  /** Peers a, b, c … with so much memory each. */
  private static ClusterState peers(long... memory) {
    var state = ClusterState.EMPTY;
    for (int i = 0; i < memory.length; i++) {
      state = state.withPeer(peer(String.valueOf((char) ('a' + i)), memory[i], 0, PeerState.ALIVE));
    }
    return state;
  }

  private static Layout layout(ClusterState state, String digest, long bytes, String... serving) {
    var needs = new ArrayList<StageNeed>();
    var on = new ArrayList<Peer>();
    for (var name : serving) {
      needs.add(new StageNeed("cpu", bytes, 0, 0, 1));
      on.add(state.peers().get(name));
    }
    return Layout.planned("plan " + digest, digest, needs, on);
  }

  private static ClusterState deploy(
      ClusterState state, String name, long bytes, String... serving) {
    var layout = layout(state, "d-" + name, bytes, serving);
    return Placement.reconcile(
        state.withDeployment(new Deployment(name, "sha256:0", WISH, 8, 16, layout, null, 1, 0)));
  }

  /** All that is ordered is there. */
  private static ClusterState ready(ClusterState state) {
    var next = state;
    for (var orders : Orders.of(state).entrySet()) {
      if (!state.is(orders.getKey(), PeerState.LOST)) {
        next =
            next.withHeld(
                orders.getKey(),
                orders.getValue().stream()
                    .map(o -> new Held(o.key(), true, "", o.need().bytes(), 0))
                    .toList());
      }
    }
    return Placement.reconcile(next);
  }

  private static ClusterState settled(ClusterState state) {
    return ready(ready(ready(state)));
  }

  private static ClusterState lose(ClusterState state, String name) {
    return Placement.reconcile(
        state.withPeer(state.peers().get(name).with(PeerState.LOST)).withoutHeld(name));
  }

  private static List<List<String>> holders(ClusterState state, String name) {
    return state.deployments().get(name).current().holders().stream()
        .map(all -> all.stream().map(Holder::peer).toList())
        .toList();
  }

  @Test
  void standbysComeOnlyWhenAllStagesServe() {
    var state = deploy(peers(100, 100, 100), "m", 10, "a", "b");
    assertThat(holders(state, "m")).containsExactly(List.of("a"), List.of("b"));
    state = ready(state);
    assertThat(holders(state, "m")).allSatisfy(all -> assertThat(all).hasSize(3));
    assertThat(holders(state, "m").getFirst().getFirst()).isEqualTo("a");
  }

  @Test
  void decidesTheSameAgain() {
    var state = settled(deploy(peers(100, 100, 100), "m", 10, "a", "b"));
    assertThat(Placement.reconcile(state)).isEqualTo(state);
    assertThat(settled(state).deployments()).isEqualTo(state.deployments());
  }

  @Test
  void aStageWithoutStandbyComesBeforeASecondStandby() {
    // Room for two standbys in all, on c.
    var state = settled(deploy(peers(10, 10, 20), "m", 10, "a", "b"));
    assertThat(holders(state, "m")).containsExactly(List.of("a", "c"), List.of("b", "c"));
  }

  @Test
  void theStageOfThePeerThatWasLostMoreOftenIsWorthMore() {
    var state = peers(10, 10, 10).withPeer(peer("b", 10, 3, PeerState.ALIVE));
    state = settled(deploy(state, "m", 10, "a", "b"));
    assertThat(holders(state, "m")).containsExactly(List.of("a"), List.of("b", "c"));
  }

  @Test
  void theStageThatTakesLongerToGetIsWorthMore() {
    var state = peers(700_000_000, 1000_000_000, 600_000_000);
    var needs =
        List.of(
            new StageNeed("cpu", 100_000_000, 0, 0, 1), new StageNeed("cpu", 600_000_000, 0, 0, 1));
    var layout =
        Layout.planned("p", "d", needs, List.of(state.peers().get("a"), state.peers().get("b")));
    var two =
        settled(
            state.withDeployment(new Deployment("m", "sha256:0", WISH, 8, 16, layout, null, 1, 0)));
    // It has the first choice, which is the peer with most room; the other takes what is left.
    assertThat(holders(two, "m")).containsExactly(List.of("a", "c", "b"), List.of("b", "a"));
  }

  /**
   * What another kind of device computes has other bits: a session that moved there might differ.
   */
  @Test
  void whoComputesOtherBitsDoesNotStandBy() {
    var other = new Peer("c", "i-c", "c:1", 1000, "cpu<avx2>", 1, "1", null, 0, PeerState.ALIVE);
    var state = settled(deploy(peers(100, 100).withPeer(other), "m", 10, "a"));
    assertThat(holders(state, "m")).containsExactly(List.of("a", "b"));
    state = lose(lose(state, "a"), "b");
    assertThat(holders(state, "m"))
        .as("sessions wait for one that does")
        .containsExactly(List.of());
    state = ready(state.withPeer(peer("b", 100, 1, PeerState.ALIVE)));
    assertThat(holders(state, "m")).containsExactly(List.of("b"));
    // It comes back with other kernels.
    var changed = new Peer("b", "i-b", "b:1", 100, "cpu<avx2>", 1, "1", null, 0, PeerState.ALIVE);
    assertThat(holders(Placement.reconcile(state.withPeer(changed)), "m"))
        .containsExactly(List.of());
  }

  @Test
  void memoryIsNeverExceeded() {
    var state = settled(deploy(peers(25, 25, 25), "m", 10, "a", "b", "c"));
    Orders.of(state)
        .forEach((peer, orders) ->
            assertThat(orders.stream().mapToLong(o -> o.need().bytes()).sum())
                .isLessThanOrEqualTo(25));
    assertThat(holders(state, "m").stream().mapToInt(List::size).sum()).isEqualTo(6);
  }

  /** Whoever comes next in the row has no memory set aside yet. */
  @Test
  void memoryIsNotExceededWhenAStandbyHasLessThanBefore() {
    var state = deploy(peers(100, 20, 10), "m", 10, "a");
    state = settled(deploy(state, "n", 10, "a"));
    assertThat(holders(state, "m")).containsExactly(List.of("a", "b", "c"));
    assertThat(holders(state, "n")).containsExactly(List.of("a", "b"));
    var small = new Peer("b", "i-b", "b:1", 1, "cpu", 1, "1", null, 0, PeerState.ALIVE);
    state = Placement.reconcile(state.withPeer(small));
    assertThat(holders(state, "m")).containsExactly(List.of("a", "c"));
    assertThat(holders(state, "n")).containsExactly(List.of("a"));
  }

  @Test
  void aNewDeploymentTakesTheBackupPoolsMemory() {
    var state = settled(deploy(peers(20, 20), "m", 10, "a", "b"));
    assertThat(holders(state, "m")).allSatisfy(all -> assertThat(all).hasSize(2));
    state = deploy(state, "n", 10, "a", "b");
    assertThat(holders(state, "m")).containsExactly(List.of("a"), List.of("b"));
    assertThat(holders(state, "n")).containsExactly(List.of("a"), List.of("b"));
  }

  @Test
  void aReadyStandbyIsPromotedAndANewOneOrdered() {
    var state = settled(deploy(peers(100, 100, 100, 100), "m", 10, "a", "b"));
    long version = state.deployments().get("m").version();
    var standby = holders(state, "m").getFirst().get(1);
    state = lose(state, "a");
    assertThat(holders(state, "m").getFirst().getFirst()).isEqualTo(standby);
    assertThat(holders(state, "m").getFirst()).doesNotContain("a").hasSize(3);
    assertThat(state.deployments().get("m").current().ready()).isTrue();
    assertThat(state.deployments().get("m").version()).isGreaterThan(version);
    var roles = Orders.of(state).get(standby).stream().filter(Order::serving).toList();
    assertThat(roles).extracting(o -> o.key().stage()).contains(0);
    // The lost one comes back as a standby at most.
    state = settled(state.withPeer(state.peers().get("a").with(PeerState.ALIVE)));
    assertThat(holders(state, "m").getFirst().getFirst()).isEqualTo(standby);
  }

  @Test
  void withoutStandbySomeoneElseIsOrderedAndWithoutRoomTheStageWaits() {
    var state = settled(deploy(peers(10, 10, 10), "m", 10, "a", "b"));
    state = lose(lose(state, "c"), "a");
    assertThat(holders(state, "m").getFirst()).isEmpty();
    assertThat(state.deployments().get("m").current().ready()).isFalse();
    state = Placement.reconcile(state.withPeer(peer("d", 10, 0, PeerState.ALIVE)));
    assertThat(holders(state, "m").getFirst()).containsExactly("d");
    assertThat(ready(state).deployments().get("m").current().ready()).isTrue();
  }

  @Test
  void twoLostAtOnce() {
    var state = settled(deploy(peers(100, 100, 100, 100), "m", 10, "a", "b"));
    state = lose(lose(state, "a"), "b");
    assertThat(holders(state, "m"))
        .allSatisfy(all -> assertThat(all).isNotEmpty().doesNotContain("a", "b"));
  }

  @Test
  void aDrainingPeerServesUntilItsStandbyIsReady() {
    var state = settled(deploy(peers(10, 10), "m", 10, "a"));
    state = lose(state, "b");
    state = Placement.reconcile(state.withPeer(state.peers().get("a").with(PeerState.DRAINING)));
    assertThat(holders(state, "m")).containsExactly(List.of("a"));
    state = Placement.reconcile(state.withPeer(peer("c", 10, 0, PeerState.ALIVE)));
    assertThat(holders(state, "m")).containsExactly(List.of("a", "c"));
    assertThat(state.deployments().get("m").current().ready()).isTrue();
    state = settled(state);
    assertThat(holders(state, "m")).containsExactly(List.of("c"));
    assertThat(Orders.of(state).get("a")).isEmpty();
  }

  @Test
  void whatAPeerCannotHoldGoesElsewhere() {
    var state = deploy(peers(100, 50), "m", 10, "a");
    var key = new SegmentKey("m", "d-m", 0);
    state = Placement.reconcile(state.withAvoid(Map.of("a", Set.of(key))));
    assertThat(holders(state, "m")).containsExactly(List.of("b"));
  }

  @Test
  void aRestartedBrokerKeepsWhatItKnewUntilPeersSayOtherwise() {
    var state = settled(deploy(peers(100, 100), "m", 10, "a"));
    var restarted = Placement.reconcile(state.withoutHeld("a").withoutHeld("b"));
    assertThat(restarted.deployments()).isEqualTo(state.deployments());
    // A peer that was restarted holds nothing: its standby serves.
    var empty = Placement.reconcile(restarted.withHeld("a", List.of()));
    assertThat(holders(empty, "m")).containsExactly(List.of("b", "a"));
  }

  @Test
  void aNewPlanIsPreparedBesideTheOldOneAndTakenWhenReady() {
    var state = settled(deploy(peers(100, 100, 100), "m", 10, "a", "b"));
    var old = state.deployments().get("m");
    var next = layout(state, "new", 10, "c", "a");
    state = Placement.reconcile(state.withDeployment(old.with(old.current(), next)).at(77));
    assertThat(state.deployments().get("m").current().digest()).isEqualTo("d-m");
    assertThat(Orders.of(state).get("c")).anyMatch(o -> o.key().digest().equals("new"));
    state = ready(state);
    var now = state.deployments().get("m");
    assertThat(now.current().digest()).isEqualTo("new");
    assertThat(now.next()).isNull();
    assertThat(now.changedAt()).isEqualTo(77);
    assertThat(Orders.of(state).values().stream().flatMap(List::stream))
        .allMatch(o -> o.key().digest().equals("new"));
  }

  @Test
  void aNewPlanIsGivenUpWhenItsPeerIsLost() {
    var state = settled(deploy(peers(100, 100, 100), "m", 10, "a", "b"));
    var old = state.deployments().get("m");
    var next = layout(state, "new", 10, "c", "a");
    state = Placement.reconcile(state.withDeployment(old.with(old.current(), next)));
    state = lose(state, "c");
    assertThat(state.deployments().get("m").next()).isNull();
    assertThat(state.deployments().get("m").current().digest()).isEqualTo("d-m");
  }
}
