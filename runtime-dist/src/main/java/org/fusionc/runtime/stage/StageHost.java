package org.fusionc.runtime.stage;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.runtime.net.Transport;

/** Runs segments for runs of coordinators. */
public final class StageHost implements AutoCloseable {
  /**
   * What bounds it.
   *
   * @param runs that it serves at once
   * @param sessions of one run at once
   * @param queuedFrames of one run that wait; more are not read from the network
   * @param queuedBytes of one run's frames that wait, decoded
   * @param frameTokens of one frame
   * @param grace how long a run is kept whose coordinator is gone
   */
  public record Options(
      int runs, int sessions, int queuedFrames, long queuedBytes, int frameTokens, Duration grace) {
    public static Options defaults() {
      return new Options(256, 65536, 64, 256L << 20, 4096, Duration.ofSeconds(10));
    }

    public Options withGrace(Duration other) {
      return new Options(runs, sessions, queuedFrames, queuedBytes, frameTokens, other);
    }
  }

  private final Map<SegmentKey, Segment> segments = new ConcurrentHashMap<>();

  private volatile boolean draining;

  public boolean isDraining() {
    return draining;
  }

  public StageHost(Transport transport, Options options) {}

  /** Offers a segment; it is closed when it is retired or the host is closed. */
  public void add(Segment segment) {
    segments.put(segment.key(), segment);
  }

  /**
   * Takes no new runs for a segment, and closes it once none uses it.
   *
   * @return done when the segment has been closed; at once if there is none
   */
  public CompletableFuture<Void> retire(SegmentKey key) {
    return remove(key);
  }

  /** Ends the runs of a segment and closes it. */
  public CompletableFuture<Void> remove(SegmentKey key) {
    var segment = segments.remove(key);
    if (segment != null) {
      segment.close();
    }
    return CompletableFuture.completedFuture(null);
  }

  /** What each segment has to do. */
  public Map<SegmentKey, SegmentLoad> loads() {
    return Map.of();
  }

  /** Tells all runs that this process is about to leave, and takes no new ones. */
  public void drain() {
    draining = true;
  }

  /** Ends all runs and closes all segments. */
  @Override
  public void close() {
    segments.values().forEach(Segment::close);
  }
}
