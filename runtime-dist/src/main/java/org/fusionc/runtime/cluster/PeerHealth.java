package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.runtime.net.Address;

/** Which peers have failed, and when they may be tried again. Times are of the nano clock. */
final class PeerHealth {
  private static final long FIRST_WAIT = Duration.ofMillis(200).toNanos();
  private static final long LONGEST_WAIT = Duration.ofSeconds(2).toNanos();
  private static final long DISTRUST = Duration.ofSeconds(10).toNanos();

  private record Failure(int count, long at, long again) {}

  private final Map<Address, Failure> failures = new HashMap<>();

  void failed(Holder holder, long now) {
    var before = failures.get(holder.address());
    int count = before == null || now - before.at > DISTRUST ? 1 : before.count + 1;
    long wait = Math.min(LONGEST_WAIT, FIRST_WAIT << Math.min(count - 1, 10));
    failures.put(holder.address(), new Failure(count, now, now + wait));
  }

  /** Whether it has failed in the last seconds. */
  boolean isDistrusted(Holder holder, long now) {
    var failure = failures.get(holder.address());
    return failure != null && now - failure.at <= DISTRUST;
  }

  /**
   * The one to try now: the first that has not failed lately, or else the one whose failure is
   * longest ago and that may be tried again.
   */
  Optional<Holder> choose(List<Holder> holders, long now) {
    Optional<Holder> best = Optional.empty();
    long longest = Long.MIN_VALUE;
    for (var holder : holders) {
      var failure = failures.get(holder.address());
      if (failure == null || now - failure.at > DISTRUST) {
        return Optional.of(holder);
      }
      if (now >= failure.again && now - failure.at > longest) {
        longest = now - failure.at;
        best = Optional.of(holder);
      }
    }
    return best;
  }

  /** The first of these, other than {@code current}, that has not failed lately. */
  Optional<Holder> alternative(List<Holder> holders, Holder current, long now) {
    return holders.stream()
        .filter(h -> !h.address().equals(current.address()) && !isDistrusted(h, now))
        .findFirst();
  }
}
