package org.fusionc.runtime.cluster;

import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Rebuilt;
import org.fusionc.runtime.sampling.Logits;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run: a route of peers, what has been fed to it, and what it has not answered. All of it is
 * one thread's.
 *
 * <p>Whatever goes wrong, and whatever is to move, ends in {@link #restart}, which begins a new
 * epoch and goes through the same steps; when something fails meanwhile it begins again:
 *
 * <ol>
 *   <li>{@link #restart}: every stage without a peer gets one, fresh ones are opened and the others
 *       rerouted, all with the new epoch. If there is no peer: wait, and begin again.
 *   <li>{@link #replay}, once all have said that the epoch has begun: every range of stages whose
 *       caches are not intact is fed all positions that have been answered, by the stage before it
 *       or, at the head, from the log of tokens.
 *   <li>{@link #goLive}, once all of that is on its way: what has no answer is sent again, in
 *       order.
 * </ol>
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>A stage is intact only if its cache and its kept rows have all positions before the
 *       session's first frame without an answer. An answer implies that for all stages; a stage
 *       that was opened anew is not intact until it has said {@code Rebuilt}; one whose connection
 *       broke is, if it says that it has kept everything and no other had the stage meanwhile.
 *   <li>Frames keep their order from here to the last stage, and a replay goes before them. So a
 *       frame is computed on caches that hold what is before it.
 *   <li>Only answers of the current epoch count, and each frame is answered once.
 *   <li>Running a position again gives the same rows; so it does not matter how far a frame had
 *       come when the route was lost.
 * </ul>
 */
final class Run {
  private static final Logger LOG = LoggerFactory.getLogger(Run.class);

  private static final long RESUME = Duration.ofMillis(300).toNanos();
  private static final long RETRY = Duration.ofMillis(200).toNanos();

  final RunOptions options;
  private final Transport transport;
  private final Consumer<Event> events;

  final PeerHealth health = new PeerHealth();
  private final Ledger ledger;
  private final Episode episode;
  private final Moves moves;
  private final Faults faults;

  /** Sessions that have ended and that stages have not been told of. */
  private final List<Long> ended = new ArrayList<>();

  private Route route;
  private Phase phase;
  private long epoch;
  private @Nullable FrameStream frames;

  /** Ranges of stages that are being rebuilt in this epoch: the first by the last. */
  private final Map<Integer, Integer> rebuilding = new HashMap<>();

  Run(
      DeploymentState state,
      String input,
      RunOptions options,
      Transport transport,
      RunListener listener,
      Consumer<Event> events) {
    this.options = options;
    this.transport = transport;
    this.events = events;
    route = new Route(state, System.nanoTime());
    phase = new Phase.Waiting(System.nanoTime());
    ledger = new Ledger(input);
    episode = new Episode(listener);
    moves = new Moves(this, state);
    faults = new Faults(this);
  }

  Route route() {
    return route;
  }

  Phase phase() {
    return phase;
  }

  Faults faults() {
    return faults;
  }

  Moves moves() {
    return moves;
  }

  long epoch() {
    return epoch;
  }

  boolean isLive() {
    return phase instanceof Phase.Live;
  }

  Ledger ledger() {
    return ledger;
  }

  Episode episode() {
    return episode;
  }

  void handle(Event event) {
    switch (event) {
      case Event.Submitted(var frame, var enough, var done, long at) -> {
        ledger.submit(frame, enough, done, at);
        send();
      }
      case Event.Forgotten(long session) -> {
        ledger.forget(session);
        ended.add(session);
        send();
      }
      case Event.Heard(var link, var message, long at) -> {
        if (!link.isClosed()) {
          link.handled();
          link.heard(at);
          heard(link, message);
        }
      }
      case Event.LinkEnded(var link, var status) -> ended(link, status);
      case Event.FramesEnded(var stream, var status) -> {
        if (stream == frames && !stream.isClosed()) {
          faults.framesEnded(status);
        }
      }
      case Event.Changed(var state) -> moves.changed(state);
      case Event.Removed() -> moves.removed();
      case Event.Close() -> end(new CancellationException("closed"));
    }
  }

  private void heard(StageLink link, org.fusionc.runtime.proto.DriveEvent message) {
    var slot = route.slotOf(link).orElse(null);
    switch (message.getEventCase()) {
      case OPENED -> {
        link.opened(message.getOpened().getEpoch(), message.getOpened().getResumed());
        if (slot != null) {
          slot.opened(link);
          advance();
        } else {
          moves.opened(link);
        }
      }
      case REROUTED -> {
        link.rerouted(message.getRerouted().getEpoch());
        advance();
      }
      case REPLAY_SENT -> {
        if (message.getReplaySent().getEpoch() == epoch
            && phase instanceof Phase.Replaying(var senders)
            && senders.remove(slot)
            && senders.isEmpty()) {
          goLive();
        }
      }
      case REBUILT -> {
        if (slot != null && message.getRebuilt().getEpoch() == epoch) {
          rebuilt(slot, message.getRebuilt());
        }
      }
      case RESULT -> {
        if (slot == route.last() && message.getResult().getEpoch() == epoch) {
          answer(slot, message.getResult());
        }
      }
      case FAULT -> {
        if (slot != null) {
          faults.heard(slot, message.getFault());
        }
      }
      case PONG -> {
        long before = link.computed();
        link.heard(message.getPong());
        if (link.computed() > before) {
          episode.progressed(System.nanoTime());
        }
        send();
      }
      case EVENT_NOT_SET -> {}
    }
  }

  private void answer(Slot last, Activation result) {
    var item = ledger.find(result).orElse(null);
    if (item == null) {
      return;
    }
    List<Logits> logits;
    try {
      logits = item.result(result, last.requireLink().holder().toString());
    } catch (DiagnosticException unfit) {
      faults.refused(last.stage, String.valueOf(unfit.getMessage()));
      return;
    }
    ledger.answered(item);
    episode.answered(System.nanoTime());
    faults.answered();
    item.done().complete(logits);
    settle();
  }

  private void rebuilt(Slot last, Rebuilt message) {
    var from = rebuilding.remove(last.stage);
    if (from == null) {
      return;
    }
    for (var slot : route.slots().subList(from, last.stage + 1)) {
      slot.markIntact();
      slot.countReplayed(message.getTokens());
    }
    episode.progressed(System.nanoTime());
    settle();
    send();
  }

  /** Reports the recoveries once the run goes on as before. */
  private void settle() {
    if (isLive() && rebuilding.isEmpty()) {
      episode.end(
          ledger.hasOutstanding(),
          epoch,
          route,
          recovery -> LOG.info("run {}: {}", route.run, recovery));
    }
  }

  /**
   * Sends what is to be sent. Pages of a session that has ended may be another's next, but a stage
   * hears of the end and of the beginning on different streams: nothing begins before all ends are
   * known everywhere. While caches are being rebuilt no end is told, since what is rebuilt might
   * come after it.
   */
  private void send() {
    if (!isLive() || frames == null) {
      return;
    }
    if (rebuilding.isEmpty() && !ended.isEmpty()) {
      long now = System.nanoTime();
      route.each(link -> link.forget(ended, now));
      ended.clear();
    }
    boolean settled =
        ended.isEmpty()
            && route.slots().stream().allMatch(s -> s.requireLink().forgetsUnderWay().isEmpty());
    ledger.send(settled, frames::send);
  }

  private void ended(StageLink link, Status status) {
    if (link.isClosed()) {
      return;
    }
    var slot = route.slotOf(link);
    if (slot.isPresent()) {
      boolean broken = status.getCode() == Status.Code.UNAVAILABLE;
      lose(slot.get(), Recovery.Cause.KILLED, broken && link.isOpen(), Faults.text(status));
    } else {
      moves.lost(link, Faults.text(status));
    }
  }

  /** A stage's peer is lost. */
  void lose(Slot slot, Recovery.Cause cause, boolean mayResume, String reason) {
    var link = slot.requireLink();
    LOG.info("run {}: {} is lost ({}): {}", route.run, link, cause, reason);
    if (!mayResume) {
      health.failed(link.holder(), System.nanoTime());
    }
    // Its peer may be asked again, and must not take them for live.
    ended.addAll(link.forgetsUnderWay());
    faults.lost(link.holder() + ": " + reason);
    slot.lose(cause, mayResume);
    restart();
  }

  /** Step 1: a new epoch, in which every stage has a peer. */
  void restart() {
    if (phase instanceof Phase.Closed) {
      return;
    }
    long now = System.nanoTime();
    episode.begin(now);
    leaveEpoch();
    var opening = new LinkedHashMap<Slot, Holder>();
    for (var slot : route.slots()) {
      if (slot.link() == null && slot.successor() != null) {
        moves.promote(slot);
      }
      if (slot.link() == null) {
        var holder =
            slot.resumable() != null
                ? java.util.Optional.of(slot.resumable())
                : health.choose(route.ready(slot), now);
        if (holder.isEmpty()) {
          await(slot);
          return;
        }
        opening.put(slot, holder.get());
      }
    }
    phase = new Phase.Connecting(now);
    // From the last to the first: a stage is told where the next one is.
    for (var slot : route.slots().reversed()) {
      var holder = opening.get(slot);
      if (holder == null) {
        slot.requireLink().reroute(epoch, route.downstream(slot));
      } else {
        boolean again = slot.takeResumable() != null;
        slot.use(open(route, slot, holder, again, now + (again ? RESUME : openTime())));
      }
    }
  }

  private void leaveEpoch() {
    epoch++;
    rebuilding.clear();
    ledger.rewind();
    if (frames != null) {
      frames.close();
      frames = null;
    }
  }

  long openTime() {
    return Math.max(Duration.ofSeconds(3).toNanos(), 2 * options.detection().toNanos());
  }

  /**
   * Begins to take a stage into use; its answer comes as an event.
   *
   * @param resume whether what it has kept of the run is still right: it has missed no end of a
   *     session, and no other peer has had the stage meanwhile
   */
  StageLink open(Route of, Slot slot, Holder holder, boolean resume, long before) {
    var open =
        Open.newBuilder()
            .setDeployment(of.state().name())
            .setPlanDigest(of.state().planDigest())
            .setStage(slot.stage)
            .setRun(of.run)
            .setEpoch(epoch)
            .setPages(options.pages())
            .setFresh(!resume);
    var downstream = of.downstream(slot);
    if (downstream != null) {
      open.setDownstream(downstream);
    }
    LOG.debug("run {}: opening stage {} on {} in epoch {}", route.run, slot.stage, holder, epoch);
    return new StageLink(transport, holder, open.build(), System.nanoTime(), before, events);
  }

  /** Nobody can take the stage now. */
  private void await(Slot slot) {
    pause(System.nanoTime() + RETRY);
    var message =
        "stage %d has no peer: waiting for capacity, up to %d s (%s)"
            .formatted(
                slot.stage,
                options.deadline().toSeconds(),
                faults.lastReason().isEmpty() ? "none is ready" : faults.lastReason());
    LOG.debug("run {}: {}", route.run, message);
    episode.announce(message);
  }

  /** Nothing is under way until then, when it begins again. */
  void pause(long until) {
    leaveEpoch();
    phase = new Phase.Waiting(until);
  }

  /** Goes on to step 2 once all stages have begun the epoch. */
  private void advance() {
    if (!(phase instanceof Phase.Connecting)) {
      return;
    }
    for (var slot : route.slots()) {
      if (slot.link() == null || !slot.link().hasBegun(epoch)) {
        return;
      }
    }
    replay();
  }

  /** Step 2: stages that are not intact get all that has been answered. */
  private void replay() {
    var stream =
        new FrameStream(
            route.first().requireLink(), route.run, route.state().planDigest(), epoch, events);
    frames = stream;
    boolean empty = ledger.answered().isEmpty();
    var senders = new HashSet<Slot>();
    var slots = route.slots();
    for (int from = 0; from < slots.size(); from++) {
      if (slots.get(from).isIntact()) {
        continue;
      }
      int until = from;
      while (until + 1 < slots.size() && !slots.get(until + 1).isIntact()) {
        until++;
      }
      if (empty) {
        slots.subList(from, until + 1).forEach(Slot::markIntact);
      } else {
        rebuilding.put(until, from);
        if (from == 0) {
          ledger.rebuild(until).forEach(stream::send);
        } else {
          var sender = slots.get(from - 1);
          sender.requireLink().replay(ledger.replay(epoch, until));
          senders.add(sender);
        }
      }
      from = until;
    }
    phase = new Phase.Replaying(senders);
    if (senders.isEmpty()) {
      goLive();
    }
  }

  /** Step 3: what has no answer goes out again. */
  private void goLive() {
    phase = new Phase.Live(System.nanoTime());
    route.each(StageLink::mark);
    send();
    moves.live();
    settle();
  }

  /** Another plan's route takes over; all its stages are open. */
  void follow(Route other) {
    var old = route;
    route = other;
    old.each(link -> {
      link.leave();
    });
    restart();
  }

  /** The run is over; frames without a result fail with the cause. */
  void end(Throwable cause) {
    phase = new Phase.Closed();
    ledger.drain().forEach(item -> item.done().completeExceptionally(cause));
    leaveEpoch();
    moves.close();
    route.each(link -> {
      link.leave();
    });
  }
}
