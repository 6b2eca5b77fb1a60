package org.fusionc.runtime.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.fusionc.runtime.proto.Downstream;
import org.jspecify.annotations.Nullable;

/** The stages of one plan, and who has them for a run. Of the run's thread. */
final class Route {
  /** What peers know this run by on this route: a UUID. A peer may be on two routes at once. */
  final String run = UUID.randomUUID().toString();

  private DeploymentState state;
  private final List<Slot> slots = new ArrayList<>();

  Route(DeploymentState state, long now) {
    this.state = state;
    for (int i = 0; i < state.stages().size(); i++) {
      slots.add(new Slot(i, now));
    }
  }

  /** The newest state with this route's plan. */
  DeploymentState state() {
    return state;
  }

  void update(DeploymentState newer) {
    state = newer;
  }

  boolean isOf(DeploymentState other) {
    return state.planDigest().equals(other.planDigest());
  }

  List<Slot> slots() {
    return slots;
  }

  Slot first() {
    return slots.getFirst();
  }

  Slot last() {
    return slots.getLast();
  }

  List<Holder> ready(Slot slot) {
    return state.stages().get(slot.stage).ready();
  }

  /** Where a stage sends what it computes; null for the last. */
  @Nullable Downstream downstream(Slot slot) {
    if (slot == slots.getLast()) {
      return null;
    }
    var next = slots.get(slot.stage + 1).requireLink().holder().address();
    return Downstream.newBuilder().setAddress(next.toString()).setStage(slot.stage + 1).build();
  }

  /** The slot whose link this is. */
  Optional<Slot> slotOf(StageLink link) {
    return slots.stream().filter(slot -> slot.link() == link).findFirst();
  }

  /** The slot whose successor this is. */
  Optional<Slot> slotBefore(StageLink successor) {
    return slots.stream().filter(slot -> slot.successor() == successor).findFirst();
  }

  boolean isOpen() {
    return slots.stream().allMatch(slot -> slot.link() != null && slot.link().isOpen());
  }

  /** All links, successors too. */
  void each(Consumer<StageLink> action) {
    for (var slot : slots) {
      if (slot.link() != null) {
        action.accept(slot.link());
      }
      if (slot.successor() != null) {
        action.accept(slot.successor());
      }
    }
  }

  /** The stages without a peer, in words. */
  List<String> vacancies() {
    return slots.stream()
        .filter(slot -> slot.link() == null)
        .map(slot -> "stage " + slot.stage + " has no peer")
        .toList();
  }

  List<String> peers() {
    return slots.stream().map(slot -> slot.holder() == null ? "" : slot.holder().peer()).toList();
  }
}
