package org.fusionc.runtime.net;

import java.time.Duration;

/**
 * What a server puts up with.
 *
 * @param connections at once, from everywhere
 * @param connectionsPerHost at once, from one address
 * @param unproven connections at once that have not yet made a call that was allowed; when there
 *     are more, the oldest is closed, so that a flood of them shuts nobody out
 * @param unprovenPerHost likewise, from one address
 * @param handshake how long a connection may take until its first allowed call
 * @param idle how long a connection may have no call
 * @param calls at once on one connection
 * @param metadata bytes of a call's headers
 * @param messages bytes of all messages together that are coming in or being handled
 * @param control frames per second on one connection that carry no data: pings, settings, resets,
 *     calls, empty data; ten seconds' worth may come at once
 */
record Limits(
    int connections,
    int connectionsPerHost,
    int unproven,
    int unprovenPerHost,
    Duration handshake,
    Duration idle,
    int calls,
    int metadata,
    long messages,
    int control) {
  private static final long MESSAGES =
      Math.clamp(Runtime.getRuntime().maxMemory() / 4, 16L << 20, 256L << 20);

  static final Limits DEFAULT =
      new Limits(
          512,
          256,
          256,
          128,
          Duration.ofSeconds(10),
          Duration.ofMinutes(5),
          256,
          16 << 10,
          MESSAGES,
          500);
}
