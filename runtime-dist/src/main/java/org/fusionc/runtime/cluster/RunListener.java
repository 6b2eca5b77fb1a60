package org.fusionc.runtime.cluster;

/** Hears how a run fares, on the run's own thread: it must not wait. */
public interface RunListener {
  /** Something that a person may want to know: a stage that waits for a peer, or goes on. */
  void notice(String message);

  /** A stage was lost or left, and the run goes on. */
  void recovered(Recovery recovery);

  /** Hears nothing. */
  static RunListener none() {
    return new RunListener() {
      @Override
      public void notice(String message) {}

      @Override
      public void recovered(Recovery recovery) {}
    };
  }
}
