package org.fusionc.runtime.stage;

import io.grpc.Status;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.Fault;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Opened;
import org.fusionc.runtime.proto.Pong;
import org.fusionc.runtime.proto.Rebuilt;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.ReplaySent;
import org.fusionc.runtime.proto.Reroute;
import org.fusionc.runtime.proto.Rerouted;
import org.fusionc.runtime.wire.FrameCheck;
import org.fusionc.runtime.wire.FrameRefused;
import org.fusionc.runtime.wire.SessionTable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stage of one run: its pages, sessions, kept rows and waiting frames. Frames come in on the
 * threads of their streams, are computed on the host's thread, and go out on threads of their own;
 * this object's monitor guards what they share, and is not held while a frame is computed.
 */
final class StageRun {
  private static final Logger LOG = LoggerFactory.getLogger(StageRun.class);

  private final StageHost host;
  private final RunKey key;
  private final SegmentSlot slot;
  private final int[] pages;
  private final FrameCheck check;
  private final SessionTable sessions;
  private final RowLog log;
  private final RunFigures figures = new RunFigures();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final FrameQueue queue;

  private long epoch;
  private boolean failed;
  private boolean ended;
  private long rebuiltTokens;
  private long rebuiltNanos;
  private @Nullable DriveStream drive;
  private @Nullable FrameStream source;
  private boolean sourceWaits;
  private @Nullable Next next;
  private @Nullable ScheduledFuture<?> expiry;

  StageRun(StageHost host, RunKey key, SegmentSlot slot, int[] pages) {
    this.host = host;
    this.key = key;
    this.slot = slot;
    this.pages = pages;
    var segment = slot.segment();
    var options = host.options();
    queue = new FrameQueue(host, figures);
    check =
        new FrameCheck(
            segment.inputs(),
            new FrameCheck.Limits(
                segment.stage(),
                segment.stages(),
                segment.context(),
                segment.pageTokens(),
                options.frameTokens()));
    sessions = new SessionTable(pages.length, segment.pageTokens(), options.sessions());
    log = new RowLog(segment.outputs(), segment.pageTokens());
  }

  RunKey key() {
    return key;
  }

  SegmentSlot slot() {
    return slot;
  }

  int pages() {
    return pages.length;
  }

  int queued() {
    return figures.queued();
  }

  /** Whether it was not on the list of runs with frames to compute, and now is. */
  boolean schedule() {
    return scheduled.compareAndSet(false, true);
  }

  // ---- what the coordinator asks for

  /** Takes the run into use, or back into use after its coordinator was gone. */
  synchronized void open(Open open, DriveStream stream, boolean resumed) {
    if (ended) {
      throw Status.ABORTED.withDescription("the run has ended meanwhile").asRuntimeException();
    }
    if (resumed) {
      requireLater(open.getEpoch());
    }
    var address = Next.address(slot.segment(), open.hasDownstream(), open.getDownstream());
    var before = drive;
    drive = stream;
    if (before != null) {
      before.end(Status.ABORTED.withDescription("another stream drives the run now"));
    }
    if (expiry != null) {
      expiry.cancel(false);
      expiry = null;
    }
    begin(open.getEpoch(), address);
    emit(
        DriveEvent.newBuilder().setOpened(Opened.newBuilder().setEpoch(epoch).setResumed(resumed)));
    LOG.info(
        "{}: {} in epoch {} with {} pages",
        key,
        resumed ? "resumed" : "opened",
        epoch,
        pages.length);
  }

  private void requireLater(long later) {
    if (Long.compareUnsigned(later, epoch) <= 0) {
      throw StageHost.invalid(
          "epoch %s does not come after epoch %s"
              .formatted(Long.toUnsignedString(later), Long.toUnsignedString(epoch)));
    }
  }

  synchronized void reroute(Reroute reroute, DriveStream stream) {
    requireDriver(stream);
    requireLater(reroute.getEpoch());
    begin(
        reroute.getEpoch(),
        Next.address(slot.segment(), reroute.hasDownstream(), reroute.getDownstream()));
    emit(DriveEvent.newBuilder().setRerouted(Rerouted.newBuilder().setEpoch(epoch)));
  }

  private void requireDriver(DriveStream stream) {
    if (drive != stream || ended) {
      throw Status.ABORTED
          .withDescription("the run has ended, or another stream drives it")
          .asRuntimeException();
    }
  }

  /** Begins an epoch: what belongs to older ones goes. */
  private void begin(long later, Optional<Address> address) {
    epoch = later;
    failed = false;
    rebuiltTokens = 0;
    rebuiltNanos = 0;
    host.countStale(queue.clear());
    sessions.rewind();
    closeNext();
    address.ifPresent(to -> next = connected(to));
    resumeSource();
  }

  private @Nullable Next connected(Address address) {
    var segment = slot.segment().key();
    var header = Next.header(key.run(), StageHost.digest(segment.planDigest()), key.stage() + 1);
    long of = epoch;
    try {
      return new Next(
          host.transport(),
          address,
          header,
          () -> host.schedule(this),
          (kind, message) -> nextFailed(of, kind, message));
    } catch (RuntimeException refused) {
      fault(Fault.Kind.DOWNSTREAM_LOST, "stage %d: %s".formatted(key.stage() + 1, refused));
      return null;
    }
  }

  private void closeNext() {
    if (next != null) {
      next.close();
      next = null;
    }
  }

  private synchronized void nextFailed(long of, Fault.Kind kind, String message) {
    if (of == epoch && !ended) {
      closeNext();
      fault(kind, message);
      // Frames may have waited for room in that stream. Their rows are kept, for a replay.
      host.schedule(this);
    }
  }

  /** Queues the kept rows of sessions for the next stage. */
  synchronized void replay(Replay replay, DriveStream stream) {
    requireDriver(stream);
    int stage = slot.segment().stage();
    if (replay.getEpoch() != epoch) {
      throw StageHost.invalid(
          "it is epoch %s, not %s"
              .formatted(Long.toUnsignedString(epoch), Long.toUnsignedString(replay.getEpoch())));
    }
    int until = replay.getUntilStage();
    if (until <= stage || until >= slot.segment().stages()) {
      throw StageHost.invalid(
          "stage %d cannot replay until stage %s"
              .formatted(stage, Integer.toUnsignedString(until)));
    }
    var sources = log.sources(replay.getSessionsList());
    if (next != null) {
      next.sendAll(new ReplayFrames(slot.segment().outputs(), sources, epoch, until));
    }
    emit(DriveEvent.newBuilder().setReplaySent(ReplaySent.newBuilder().setEpoch(epoch)));
  }

  synchronized void forget(List<Long> gone, DriveStream stream) {
    requireDriver(stream);
    for (long session : gone) {
      sessions.forget(session);
      log.forget(session);
    }
  }

  Pong pong(long nonce) {
    return figures.pong(nonce, System.nanoTime());
  }

  /** The coordinator's stream has broken: the run is kept for the grace. */
  synchronized void abandoned(DriveStream stream, String reason) {
    if (drive == stream && !ended) {
      drive = null;
      LOG.warn("{}: kept for {}: {}", key, host.options().grace(), reason);
      expiry = host.later(host.options().grace(), () -> host.expire(this));
      host.schedule(this);
    }
  }

  /** The coordinator has ended the run. */
  void completed(DriveStream stream) {
    synchronized (this) {
      if (drive != stream) {
        return;
      }
    }
    host.end(this, "its coordinator has ended it");
  }

  /**
   * Lets go of everything if no coordinator has come back.
   *
   * @return whether it did
   */
  synchronized boolean endAbandoned() {
    return drive == null && end("its coordinator did not come back");
  }

  /**
   * Lets go of everything.
   *
   * @return whether it had not ended before
   */
  synchronized boolean end(String reason) {
    if (ended) {
      return false;
    }
    ended = true;
    queue.clear();
    closeNext();
    if (expiry != null) {
      expiry.cancel(false);
    }
    var gone = Status.UNAVAILABLE.withDescription("the run has ended: " + reason);
    if (source != null) {
      source.end(gone);
      source = null;
    }
    if (drive != null) {
      drive.end(gone);
      drive = null;
    }
    LOG.info("{}: ended: {}", key, reason);
    return true;
  }

  int[] physicalPages() {
    return pages;
  }

  // ---- frames come in

  /**
   * Checks a frame and queues it.
   *
   * @param number how many came before it on its stream
   * @return whether the stream may read the next one; else it is resumed later
   */
  synchronized boolean take(Activation frame, long number, FrameStream from) {
    if (ended) {
      throw Status.UNAVAILABLE.withDescription("the run has ended").asRuntimeException();
    }
    int order = Long.compareUnsigned(frame.getEpoch(), epoch);
    if (order < 0) {
      host.countStale(1);
      return true;
    }
    if (order > 0) {
      throw new FrameRefused(
          "frame %s: it is of epoch %s, but epoch %s has not ended"
              .formatted(
                  Long.toUnsignedString(frame.getFrame()),
                  Long.toUnsignedString(frame.getEpoch()),
                  Long.toUnsignedString(epoch)));
    }
    if (source != null && source != from) {
      var before = source;
      source = null;
      before.end(Status.ABORTED.withDescription("another stream brings the run's frames now"));
    }
    source = from;
    sourceWaits = false;
    if (failed) {
      host.countStale(1);
      return true;
    }
    var waiting = new QueuedFrame(check.accept(frame, number, sessions), frame);
    queue.add(waiting);
    host.schedule(this);
    sourceWaits = queue.isFull();
    return !sourceWaits;
  }

  private void resumeSource() {
    if (sourceWaits && source != null && !queue.isFull()) {
      sourceWaits = false;
      source.resume();
    }
  }

  synchronized void detach(FrameStream stream) {
    if (source == stream) {
      source = null;
    }
  }

  // ---- and are computed

  /**
   * Computes the next frame, if there is one and its results have somewhere to go.
   *
   * @return whether to come back
   */
  boolean computeNext() {
    scheduled.set(false);
    QueuedFrame work;
    synchronized (this) {
      if (ended || isOutletFull()) {
        return false;
      }
      work = queue.poll();
      if (work == null) {
        return false;
      }
      resumeSource();
    }
    int tokens = work.batch().tokens();
    long begin = System.nanoTime();
    figures.begin(begin, tokens);
    slot.meter().begin(begin);
    Results results = null;
    Throwable failure = null;
    try {
      results = slot.segment().compute(work, pages);
    } catch (RuntimeException | Error thrown) {
      failure = thrown;
    }
    long end = System.nanoTime();
    figures.end(end, failure == null);
    slot.meter().end(end, work.isDecode() && failure == null ? tokens : 0);
    if (results != null) {
      try {
        computed(work, results, end - begin);
      } catch (RuntimeException | Error thrown) {
        failure = thrown;
      }
    }
    if (failure != null) {
      computeFailed(work, failure);
    }
    return true;
  }

  private boolean isOutletFull() {
    return (next != null && next.isFull()) || (drive != null && drive.isFull());
  }

  private synchronized void computeFailed(QueuedFrame work, Throwable failure) {
    LOG.error("{}: frame {} failed", key, work.number(), failure);
    if (!ended && work.epoch() == epoch) {
      // What comes after it would build on a cache that is not there.
      failed = true;
      queue.clear();
      resumeSource();
      fault(
          Fault.Kind.COMPUTE_FAILED,
          "stage %d: frame %s: %s".formatted(slot.segment().stage(), work.number(), failure));
    }
  }

  private synchronized void computed(QueuedFrame work, Results results, long nanos) {
    if (ended) {
      return;
    }
    host.countComputed();
    boolean last = slot.segment().isLast();
    int row = 0;
    for (var sequence : work.message().getSequencesList()) {
      if (sessions.knows(sequence.getSession())) {
        sessions.computed(sequence);
        if (!last) {
          log.put(
              sequence.getSession(),
              sequence.getStart(),
              row,
              sequence.getTokens(),
              results.rows());
        }
      }
      row += sequence.getTokens();
    }
    if (work.epoch() != epoch) {
      host.countStale(1);
      return;
    }
    if (work.message().hasRebuild()) {
      var rebuild = work.message().getRebuild();
      rebuiltTokens += row;
      rebuiltNanos += nanos;
      if (rebuild.getUntilStage() == slot.segment().stage()) {
        if (rebuild.getLast()) {
          emit(
              DriveEvent.newBuilder()
                  .setRebuilt(
                      Rebuilt.newBuilder()
                          .setEpoch(epoch)
                          .setTokens(rebuiltTokens)
                          .setNanos(rebuiltNanos)));
        }
        return;
      }
    }
    var frame = work.result(slot.segment().outputs(), results);
    if (last) {
      emit(DriveEvent.newBuilder().setResult(frame));
    } else if (next != null) {
      next.send(frame);
    }
  }

  // ---- events

  synchronized void fault(Fault.Kind kind, String message) {
    LOG.warn("{}: {}: {}", key, kind, message);
    emit(
        DriveEvent.newBuilder()
            .setFault(Fault.newBuilder().setEpoch(epoch).setKind(kind).setMessage(message)));
  }

  private void emit(DriveEvent.Builder event) {
    if (drive != null) {
      drive.send(event.build());
    }
  }
}
