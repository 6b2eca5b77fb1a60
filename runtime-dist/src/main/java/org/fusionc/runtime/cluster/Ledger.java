package org.fusionc.runtime.cluster;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.sampling.Logits;

/**
 * What a run has been given and what has been answered: the sessions' tokens, and the frames that
 * have no result yet, in order. Of the run's thread.
 */
final class Ledger {
  /** Tokens per frame of a replay. */
  private static final int REPLAY_TOKENS = 512;

  private final String input;
  private final TokenLog log = new TokenLog();
  private final SequencedMap<Long, Outstanding> outstanding = new LinkedHashMap<>();
  private long number;

  /** The first of the outstanding frames that have not been sent in this epoch, by number. */
  private long unsent;

  /**
   * @param input the name of the value that holds the token ids
   */
  Ledger(String input) {
    this.input = input;
  }

  void submit(Frame frame, int[] enough, CompletableFuture<List<Logits>> done, long now) {
    var item = Outstanding.of(number++, frame, input, enough, done, now);
    for (var piece : Outstanding.pieces(frame, input)) {
      log.put(piece.session(), piece.start(), piece.ids(), piece.pages());
    }
    outstanding.put(item.number(), item);
  }

  void forget(long session) {
    log.forget(session);
  }

  Set<Long> sessions() {
    return log.sessions();
  }

  boolean hasOutstanding() {
    return !outstanding.isEmpty();
  }

  /** Whether no session has anything in a cache. */
  boolean isIdle() {
    return log.isEmpty() && outstanding.isEmpty();
  }

  /** When the oldest frame without a result was submitted. */
  long oldest() {
    return outstanding.firstEntry().getValue().submitted();
  }

  void answered(Outstanding item) {
    outstanding.remove(item.number());
  }

  /** Takes away all frames that have no result. */
  List<Outstanding> drain() {
    var all = List.copyOf(outstanding.values());
    outstanding.clear();
    return all;
  }

  /** Nothing has been sent in the new epoch. */
  void rewind() {
    unsent = 0;
  }

  /**
   * Sends what has not been sent in this epoch, in order.
   *
   * @param newSessions whether frames may go that begin a session; what comes after such a frame
   *     waits with it
   */
  void send(boolean newSessions, Consumer<Activation> to) {
    for (var item : List.copyOf(outstanding.values())) {
      if (item.number() < unsent) {
        continue;
      }
      if (!newSessions && item.beginsSession()) {
        return;
      }
      unsent = item.number() + 1;
      to.accept(item.message());
    }
  }

  /** Per session how many of its positions have been answered, if any. */
  Map<Long, Integer> answered() {
    var lengths = new LinkedHashMap<Long, Integer>();
    log.sessions().forEach(session -> lengths.put(session, log.of(session).length()));
    for (var item : outstanding.values()) {
      for (var sequence : item.message().getSequencesList()) {
        lengths.computeIfPresent(
            sequence.getSession(), (k, length) -> Math.min(length, sequence.getStart()));
      }
    }
    lengths.values().removeIf(length -> length == 0);
    return lengths;
  }

  /** Has a stage send on what it has kept of all that has been answered. */
  Replay replay(long epoch, int until) {
    var replay = Replay.newBuilder().setEpoch(epoch).setUntilStage(until);
    answered()
        .forEach((session, length) -> {
          var one = ReplaySession.newBuilder().setSession(session).setLength(length);
          for (int page : log.of(session).pages()) {
            one.addPages(page);
          }
          replay.addSessions(one);
        });
    return replay.build();
  }

  /** The frames that bring all that has been answered to the first stage. */
  List<Activation> rebuild(int until) {
    var groups = new ArrayList<List<Outstanding.Piece>>();
    var group = new ArrayList<Outstanding.Piece>();
    int room = REPLAY_TOKENS;
    for (var entry : answered().entrySet()) {
      var tokens = log.of(entry.getKey());
      int length = entry.getValue();
      for (int at = 0; at < length; at += REPLAY_TOKENS) {
        int end = Math.min(length, at + REPLAY_TOKENS);
        // A session is in a frame once only: its pieces but the last one fill theirs.
        if (end - at > room) {
          groups.add(List.copyOf(group));
          group.clear();
          room = REPLAY_TOKENS;
        }
        group.add(new Outstanding.Piece(entry.getKey(), at, tokens.ids(at, end), tokens.pages()));
        room -= end - at;
      }
    }
    groups.add(List.copyOf(group));
    var messages = new ArrayList<Activation>();
    for (var pieces : groups) {
      boolean last = messages.size() == groups.size() - 1;
      var rebuild = Rebuild.newBuilder().setUntilStage(until).setLast(last);
      messages.add(Outstanding.message(input, pieces).setRebuild(rebuild).build());
    }
    return messages;
  }

  /** The frame's answer. */
  Optional<Outstanding> find(Activation result) {
    return Optional.ofNullable(outstanding.get(result.getFrame()));
  }
}
