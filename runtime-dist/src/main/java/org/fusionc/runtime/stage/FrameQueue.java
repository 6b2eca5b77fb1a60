package org.fusionc.runtime.stage;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a run that wait to be computed. What they hold is counted together with those of
 * the host's other runs. Guarded by the run's monitor.
 */
final class FrameQueue {
  private final StageHost host;
  private final RunFigures figures;
  private final Deque<QueuedFrame> frames = new ArrayDeque<>();

  FrameQueue(StageHost host, RunFigures figures) {
    this.host = host;
    this.figures = figures;
  }

  void add(QueuedFrame frame) {
    frames.add(frame);
    host.queued(frame.bytes());
    figures.waiting(frames.size());
  }

  /** The next one; null if none waits. */
  @Nullable QueuedFrame poll() {
    var next = frames.poll();
    if (next != null) {
      host.queued(-next.bytes());
      figures.waiting(frames.size());
    }
    return next;
  }

  /**
   * Whether no more should be read. Each run has room for a frame, whatever others have waiting.
   */
  boolean isFull() {
    var limits = host.options();
    return frames.size() >= limits.queuedFrames()
        || (!frames.isEmpty() && host.queuedBytes() >= limits.queuedBytes());
  }

  /**
   * Drops all.
   *
   * @return how many
   */
  int clear() {
    int dropped = frames.size();
    frames.forEach(frame -> host.queued(-frame.bytes()));
    frames.clear();
    figures.waiting(0);
    return dropped;
  }
}
