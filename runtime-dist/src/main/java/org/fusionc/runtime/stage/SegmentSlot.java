package org.fusionc.runtime.stage;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A segment at a host: its pages, who uses it, and how busy it is. */
final class SegmentSlot {
  private final Segment segment;
  private final PagePool pages;
  private final Set<StageRun> runs = new HashSet<>();
  private final BusyMeter meter = new BusyMeter();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private boolean retiring;

  SegmentSlot(Segment segment) {
    this.segment = segment;
    pages = new PagePool(segment.pages());
  }

  Segment segment() {
    return segment;
  }

  BusyMeter meter() {
    return meter;
  }

  /** Done when the segment has been closed. */
  CompletableFuture<Void> closed() {
    return closed;
  }

  /** A run with so many pages; null if there are too few, or the segment is retired. */
  synchronized @Nullable StageRun reserve(StageHost host, RunKey key, int count) {
    var taken = retiring ? Optional.<int[]>empty() : pages.take(count);
    if (taken.isEmpty()) {
      return null;
    }
    var run = new StageRun(host, key, this, taken.get());
    runs.add(run);
    return run;
  }

  /**
   * @return whether nobody uses the segment and it is to be closed
   */
  synchronized boolean release(StageRun run, int[] taken) {
    if (runs.remove(run)) {
      pages.give(taken);
    }
    return retiring && runs.isEmpty();
  }

  synchronized int freePages() {
    return pages.free();
  }

  /**
   * @return whether nobody uses the segment, so that it can be closed
   */
  synchronized boolean retire() {
    retiring = true;
    return runs.isEmpty();
  }

  synchronized Set<StageRun> runs() {
    return Set.copyOf(runs);
  }

  /** Frees the segment; on the computing thread. */
  void close() {
    if (!closed.isDone()) {
      segment.close();
      closed.complete(null);
    }
  }

  SegmentLoad load(long now) {
    var users = runs();
    return new SegmentLoad(
        users.size(),
        freePages(),
        users.stream().mapToInt(StageRun::queued).sum(),
        meter.share(now),
        meter.nanosPerToken());
  }
}
