package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.exec.Pipeline;
import org.fusionc.runtime.net.MessageBounds;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Fault;
import org.fusionc.runtime.proto.Open;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs segments for runs of coordinators. Frames are computed one at a time on one thread, since
 * kernels share the compute threads, and the runs that have frames waiting take turns.
 */
public final class StageHost implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StageHost.class);

  /** Longest run id that is taken: a UUID and then some. */
  private static final int RUN_LENGTH = 64;

  /**
   * What bounds it.
   *
   * @param runs that it serves at once
   * @param sessions of one run at once
   * @param queuedFrames of one run that wait; more are not read from the network
   * @param queuedBytes of all runs' frames that wait; each run may have one that waits even so
   * @param frameTokens of one frame
   * @param grace how long a run is kept whose coordinator is gone
   */
  public record Options(
      int runs, int sessions, int queuedFrames, long queuedBytes, int frameTokens, Duration grace) {
    /** They are on the heap, besides all else that is. */
    private static final long QUEUED_BYTES =
        Math.clamp(Runtime.getRuntime().maxMemory() / 8, 16L << 20, 256L << 20);

    public static Options defaults() {
      return new Options(
          256,
          MessageBounds.RUN_SESSIONS,
          64,
          QUEUED_BYTES,
          MessageBounds.FRAME_ROWS,
          Duration.ofSeconds(10));
    }

    public Options withQueuedFrames(int other) {
      return new Options(runs, sessions, other, queuedBytes, frameTokens, grace);
    }

    public Options withGrace(Duration other) {
      return new Options(runs, sessions, queuedFrames, queuedBytes, frameTokens, other);
    }
  }

  /**
   * What the host has done so far.
   *
   * @param computed frames
   * @param stale frames that were dropped because their epoch had ended
   * @param refused frames that were refused
   */
  public record Counters(long computed, long stale, long refused) {}

  /** Whoever finds a defect can have it happen as often as they like. */
  private static final long TRACES = Duration.ofSeconds(1).toNanos();

  private final Transport transport;
  private final Options options;
  private final Map<SegmentKey, SegmentSlot> segments = new ConcurrentHashMap<>();
  private final Map<RunKey, StageRun> runs = new HashMap<>();
  private final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
  private final ScheduledThreadPoolExecutor timer;
  private final RunMemory memory;
  private final AtomicLong queuedBytes = new AtomicLong();
  private final AtomicLong computed = new AtomicLong();
  private final AtomicLong stale = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong lastTrace = new AtomicLong(System.nanoTime() - TRACES);
  private final Thread thread;
  private volatile boolean draining;
  private boolean closed;

  /**
   * @param transport makes the connections to next stages
   */
  public StageHost(Transport transport, Options options) {
    this(transport, options, RunMemory.UNBOUNDED);
  }

  /**
   * @param transport makes the connections to next stages
   * @param memory out of which runs have theirs
   */
  public StageHost(Transport transport, Options options, RunMemory memory) {
    this.memory = memory;
    this.transport = transport;
    this.options = options;
    timer =
        new ScheduledThreadPoolExecutor(
            1, task -> Thread.ofPlatform().daemon().name("stage-timer").unstarted(task));
    timer.setRemoveOnCancelPolicy(true);
    thread = Thread.ofPlatform().daemon().name("stage-compute").start(this::compute);
  }

  /**
   * Logs what should never happen: at once, and with its trace, but of these one per second.
   *
   * @param what is of the run, if there is one already
   */
  void defect(String what, @Nullable StageRun run, Throwable failure) {
    var where = what + " for " + (run == null ? "no run yet" : run.key());
    long now = System.nanoTime();
    long last = lastTrace.get();
    if (now - last >= TRACES && lastTrace.compareAndSet(last, now)) {
      LOG.error("{}: a defect: {}", where, failure, failure);
    } else {
      LOG.error("{}: a defect: {}", where, String.valueOf(failure));
    }
  }

  Options options() {
    return options;
  }

  Transport transport() {
    return transport;
  }

  // ---- segments

  /**
   * Offers a segment; it is closed when it is retired or the host is closed.
   *
   * @throws IllegalArgumentException if there is one of that key
   */
  public void add(Segment segment) {
    if (segments.putIfAbsent(segment.key(), new SegmentSlot(segment)) != null) {
      throw new IllegalArgumentException(segment.key() + " is here already");
    }
    LOG.info("{}: ready, {} bytes", segment.key(), segment.bytes());
  }

  /**
   * Takes no new runs for a segment, and closes it once none uses it. Another of its key may be
   * added at once.
   *
   * @return done when the segment has been closed; at once if there is none
   */
  public CompletableFuture<Void> retire(SegmentKey key) {
    var slot = segments.remove(key);
    if (slot == null) {
      return CompletableFuture.completedFuture(null);
    }
    if (slot.retire()) {
      work.add(slot::close);
    }
    return slot.closed();
  }

  /**
   * Ends the runs of a segment and closes it.
   *
   * @return done when the segment has been closed
   */
  public CompletableFuture<Void> remove(SegmentKey key) {
    var slot = segments.get(key);
    var done = retire(key);
    if (slot != null) {
      slot.runs().forEach(run -> end(run, "the segment has been removed"));
    }
    return done;
  }

  /** What each segment has to do. */
  public Map<SegmentKey, SegmentLoad> loads() {
    long now = System.nanoTime();
    var loads = new LinkedHashMap<SegmentKey, SegmentLoad>();
    segments.forEach((key, slot) -> loads.put(key, slot.load(now)));
    return loads;
  }

  public Counters counters() {
    return new Counters(computed.get(), stale.get(), refused.get());
  }

  /** Frames of so many bytes wait now, or do not any more. */
  void queued(long bytes) {
    queuedBytes.addAndGet(bytes);
  }

  /** Bytes of all frames that wait. */
  long queuedBytes() {
    return queuedBytes.get();
  }

  void countComputed() {
    computed.incrementAndGet();
  }

  void countStale(long frames) {
    stale.addAndGet(frames);
  }

  void countRefused() {
    refused.incrementAndGet();
  }

  // ---- runs

  /** Takes a stage into use for a run. */
  StageRun open(Open open, DriveStream stream) {
    if (open.getRun().isEmpty() || open.getRun().length() > RUN_LENGTH) {
      throw invalid("the run's id must have 1 to " + RUN_LENGTH + " characters");
    }
    var key = new RunKey(open.getRun(), open.getStage());
    var segmentKey =
        SegmentKey.of(open.getDeployment(), open.getPlanDigest().toByteArray(), open.getStage());
    StageRun run;
    boolean resumed = false;
    StageRun replaced = null;
    synchronized (runs) {
      run = runs.get(key);
      if (run != null
          && !open.getFresh()
          && run.slot().segment().key().equals(segmentKey)
          && run.pages() == open.getPages()) {
        resumed = true;
      } else {
        replaced = run;
      }
    }
    if (replaced != null) {
      end(replaced, "its coordinator has opened it anew");
    }
    if (run == null || !resumed) {
      run = create(key, segmentKey, open.getPages());
    }
    try {
      run.open(open, stream, resumed);
    } catch (RuntimeException refusal) {
      refuse(run, resumed);
      throw refusal;
    }
    return run;
  }

  private void refuse(StageRun run, boolean resumed) {
    if (!resumed) {
      end(run, "it could not be opened");
    }
  }

  private StageRun create(RunKey key, SegmentKey segmentKey, int pages) {
    if (draining) {
      throw Status.UNAVAILABLE
          .withDescription("this peer is about to leave, and takes no new runs")
          .asRuntimeException();
    }
    var slot = segments.get(segmentKey);
    if (slot == null) {
      throw Status.NOT_FOUND.withDescription(segmentKey + " is not here").asRuntimeException();
    }
    if (pages < 1) {
      throw invalid("a run needs at least one page");
    }
    synchronized (runs) {
      if (closed) {
        throw Status.UNAVAILABLE.withDescription("this peer has stopped").asRuntimeException();
      }
      if (runs.size() >= options.runs) {
        throw Status.RESOURCE_EXHAUSTED
            .withDescription("this peer serves " + runs.size() + " runs, and no more")
            .asRuntimeException();
      }
      if (runs.containsKey(key)) {
        throw Status.ABORTED
            .withDescription("the run is being opened by another stream")
            .asRuntimeException();
      }
      var segment = slot.segment();
      hold(key, segment, pages);
      var run = slot.reserve(this, key, pages);
      if (run == null) {
        memory.free(key);
        throw Status.RESOURCE_EXHAUSTED
            .withDescription(
                "%d pages are wanted, and %d of the %d of %s are free"
                    .formatted(pages, slot.freePages(), slot.segment().pages(), segmentKey))
            .asRuntimeException();
      }
      runs.put(key, run);
      return run;
    }
  }

  /** Sets memory aside for what the run will keep of what it sends on. */
  private void hold(RunKey key, Segment segment, int pages) {
    if (pages > segment.pages() || segment.isLast()) {
      return;
    }
    try {
      memory.hold(
          key,
          RowLog.bytes(segment.outputs(), segment.pageTokens(), pages),
          "kept rows of %d pages".formatted(pages));
    } catch (DiagnosticException tooMuch) {
      throw Status.RESOURCE_EXHAUSTED
          .withDescription(tooMuch.diagnostics().getFirst().message())
          .asRuntimeException();
    }
  }

  /** The run that a stream's first frame is for. */
  StageRun run(Activation first) {
    StageRun run;
    synchronized (runs) {
      run = runs.get(new RunKey(first.getRun(), first.getStage()));
    }
    if (run == null) {
      throw Status.NOT_FOUND
          .withDescription(
              "stage %s is not open here for this run"
                  .formatted(Integer.toUnsignedString(first.getStage())))
          .asRuntimeException();
    }
    if (!digest(run.slot().segment().key().planDigest()).equals(first.getPlanDigest())) {
      throw invalid("the frames are of another plan");
    }
    return run;
  }

  /** Ends a run and frees its pages. */
  void end(StageRun run, String reason) {
    if (run.end(reason)) {
      release(run);
    }
  }

  /** Ends a run unless it is in use again. */
  void expire(StageRun run) {
    if (run.endAbandoned()) {
      release(run);
    }
  }

  private void release(StageRun run) {
    synchronized (runs) {
      if (runs.remove(run.key(), run)) {
        memory.free(run.key());
      }
    }
    // A frame of the run that is being computed still writes to its pages; whatever is computed
    // in them next comes after it.
    if (run.slot().release(run, run.physicalPages())) {
      work.add(run.slot()::close);
    }
  }

  ScheduledFuture<?> later(Duration delay, Runnable task) {
    return timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  static StatusRuntimeException invalid(String message) {
    return Status.INVALID_ARGUMENT.withDescription(message).asRuntimeException();
  }

  static ByteString digest(String hex) {
    return ByteString.copyFrom(HexFormat.of().parseHex(hex));
  }

  // ---- computing

  /** A run may have something to compute. */
  void schedule(StageRun run) {
    if (run.schedule()) {
      work.add(() -> step(run));
    }
  }

  private void step(StageRun run) {
    if (run.computeNext()) {
      schedule(run);
    }
  }

  private void compute() {
    while (true) {
      try {
        work.take().run();
      } catch (InterruptedException stopped) {
        return;
      } catch (RuntimeException | Error failure) {
        LOG.error("computing failed outside of a frame", failure);
      }
    }
  }

  // ---- the end

  public boolean isDraining() {
    return draining;
  }

  /** Tells all runs that this process is about to leave, and takes no new ones. */
  public void drain() {
    draining = true;
    allRuns().forEach(run -> run.fault(Fault.Kind.DRAINING, "the peer is about to leave"));
  }

  private List<StageRun> allRuns() {
    synchronized (runs) {
      return List.copyOf(runs.values());
    }
  }

  /** Ends all runs and closes all segments. */
  @Override
  public void close() {
    synchronized (runs) {
      if (closed) {
        return;
      }
      closed = true;
    }
    allRuns().forEach(run -> end(run, "the peer stops"));
    timer.shutdownNow();
    var slots = List.copyOf(segments.values());
    segments.clear();
    slots.forEach(SegmentSlot::retire);
    slots.forEach(slot -> work.add(slot::close));
    work.add(() -> Thread.currentThread().interrupt());
    Pipeline.join(thread);
  }
}
