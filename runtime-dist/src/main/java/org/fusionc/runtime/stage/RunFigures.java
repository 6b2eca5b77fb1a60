package org.fusionc.runtime.stage;

import org.fusionc.runtime.proto.Pong;

/** What a pong tells of a run at a stage; read while a frame is being computed. */
final class RunFigures {
  private static final double WEIGHT = 0.2;

  private int waiting;
  private long computed;
  private long since;
  private int tokens;
  private double nanosPerToken;

  synchronized int queued() {
    return waiting;
  }

  synchronized void waiting(int frames) {
    waiting = frames;
  }

  synchronized void begin(long now, int ofTokens) {
    since = now;
    tokens = ofTokens;
  }

  synchronized void end(long now, boolean succeeded) {
    if (succeeded) {
      double each = (double) (now - since) / tokens;
      nanosPerToken = nanosPerToken == 0 ? each : nanosPerToken + WEIGHT * (each - nanosPerToken);
      computed++;
    }
    tokens = 0;
  }

  synchronized Pong pong(long nonce, long now) {
    return Pong.newBuilder()
        .setNonce(nonce)
        .setQueued(waiting)
        .setComputed(computed)
        .setRunningNanos(tokens == 0 ? 0 : Math.max(1, now - since))
        .setRunningTokens(tokens)
        .setNanosPerToken(nanosPerToken)
        .build();
  }
}
