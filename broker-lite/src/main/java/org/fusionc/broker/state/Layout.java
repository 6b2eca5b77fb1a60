package org.fusionc.broker.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A plan and who holds its stages.
 *
 * @param plan FIR text
 * @param digest the text's SHA-256, hexadecimal
 * @param holders by stage: the serving one first, then those that stand by
 */
public record Layout(
    String plan, String digest, List<StageNeed> needs, List<List<Holder>> holders) {
  public Layout {
    needs = List.copyOf(needs);
    holders = holders.stream().map(List::copyOf).toList();
  }

  public int stages() {
    return needs.size();
  }

  /** Whether every stage's first holder is ready. */
  public boolean ready() {
    return holders.stream().allMatch(all -> !all.isEmpty() && all.getFirst().ready());
  }

  /** Whether there is nobody for one of its stages. */
  public boolean stuck() {
    return holders.stream().anyMatch(List::isEmpty);
  }

  /** The peers that serve, by stage; empty text where there is none. */
  public List<String> serving() {
    return holders.stream().map(all -> all.isEmpty() ? "" : all.getFirst().peer()).toList();
  }

  /**
   * With these holders first wherever they are ready; elsewhere they stand by until they are.
   *
   * @param wanted by stage
   */
  public Layout preferring(List<Holder> wanted) {
    var all = new ArrayList<List<Holder>>();
    for (int stage = 0; stage < stages(); stage++) {
      var name = wanted.get(stage).peer();
      var here = new ArrayList<>(holders.get(stage));
      var known = here.stream().filter(holder -> holder.peer().equals(name)).findFirst();
      if (known.isEmpty()) {
        here.add(Math.min(1, here.size()), wanted.get(stage));
      } else if (known.get().ready()) {
        here.remove(known.get());
        here.addFirst(known.get());
      }
      all.add(here);
    }
    return withHolders(all);
  }

  public Layout withHolders(List<List<Holder>> others) {
    return new Layout(plan, digest, needs, others);
  }

  /** The one kind of device that all stages are on, if it is one. */
  public Optional<String> kind() {
    var kinds = needs.stream().map(StageNeed::kind).distinct().toList();
    return kinds.size() == 1 ? Optional.ofNullable(kinds.getFirst()) : Optional.empty();
  }

  /** With these as the stages' only holders, none of them ready yet. */
  public static Layout planned(
      String plan, String digest, List<StageNeed> needs, List<Peer> serving) {
    var holders = new ArrayList<List<Holder>>();
    serving.forEach(peer -> holders.add(List.of(new Holder(peer.name(), peer.address(), false))));
    return new Layout(plan, digest, needs, holders);
  }
}
