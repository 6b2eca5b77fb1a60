package org.fusionc.ir.rewrite;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** Hands a function's notes on to what its values became. */
final class NotesTransfer {
  private final Graph graph;
  private final Function source;
  private final UnaryOperator<Value> resolve;
  private final Map<Op, Op> origins;
  private final Map<Value, String> proposals;

  /**
   * @param resolve what a value of {@code source} became
   * @param origins the op of {@code source} that a new op was made for
   * @param proposals names for new values that inherit none
   */
  NotesTransfer(
      Graph graph,
      Function source,
      UnaryOperator<Value> resolve,
      Map<Op, Op> origins,
      Map<Value, String> proposals) {
    this.graph = graph;
    this.source = source;
    this.resolve = resolve;
    this.origins = origins;
    this.proposals = proposals;
  }

  Notes transfer(Set<Op> kept) {
    var from = source.notes();
    var notes = new Notes();
    source.params().forEach(param -> notes.inherit(from, param, param));
    // A value that stays what it is has the first claim to its name.
    for (var op : source.body()) {
      values(op).stream()
          .filter(v -> resolve.apply(v).equals(v) && kept.contains(op))
          .forEach(v -> from.name(v).ifPresent(name -> notes.name(v, name)));
    }
    var comments = new LinkedHashMap<Op, List<String>>();
    for (var op : source.body()) {
      for (var value : values(op)) {
        var target = resolve.apply(value);
        var producer = Reachable.producer(target);
        if (producer != null && kept.contains(producer)) {
          from.name(value).ifPresent(name -> notes.name(target, name));
        }
      }
      var heir = heir(op, kept);
      if (heir != null) {
        notes.location(heir, from.location(op));
        comments.computeIfAbsent(heir, o -> new ArrayList<>()).addAll(from.comments(op));
      }
    }
    comments.forEach(notes::comments);
    notes.trailing(from.trailing());
    for (var op : kept) {
      notes.location(op, from.location(origins.getOrDefault(op, op)));
    }
    proposals.forEach((value, name) -> {
      var target = resolve.apply(value);
      var producer = Reachable.producer(target);
      if (producer != null && kept.contains(producer)) {
        notes.name(target, name);
      }
    });
    return notes;
  }

  private @Nullable Op heir(Op op, Set<Op> kept) {
    for (var part : Sweep.parts(resolve.apply(op))) {
      var producer = Reachable.producer(part);
      if (producer != null && kept.contains(producer)) {
        return producer;
      }
    }
    return null;
  }

  private List<Value> values(Op op) {
    if (!(op.type() instanceof Type.Tuple tuple)) {
      return List.of(op);
    }
    var results = new ArrayList<Value>();
    for (int i = 0; i < tuple.parts().size(); i++) {
      results.add(graph.result(op, i));
    }
    return results;
  }
}
