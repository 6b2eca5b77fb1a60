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

  /** Failures further apart than this have nothing to do with one another. */
  private static final long RELAPSE = Duration.ofMinutes(10).toNanos();

  private static final int MOST_DOUBLINGS = 5;

  /**
   * What is known of a peer that has failed.
   *
   * @param count failures close to one another
   * @param relapses how often it has failed again after it had been well for a while
   */
  private record Failure(int count, int relapses, long at, long again) {}

  private final Map<Address, Failure> failures = new HashMap<>();

  void failed(Holder holder, long now) {
    var before = failures.get(holder.address());
    int count = before == null || now - before.at > DISTRUST ? 1 : before.count + 1;
    int relapses =
        before == null || now - before.at > RELAPSE
            ? 0
            : now - before.at > DISTRUST ? before.relapses + 1 : before.relapses;
    long wait = Math.min(LONGEST_WAIT, FIRST_WAIT << Math.min(count - 1, 10));
    failures.put(holder.address(), new Failure(count, relapses, now, now + wait));
  }

  /**
   * Whether a stage may go back to it though it is well where it is. Each relapse doubles the time:
   * a peer that is slow and looks well as soon as nobody uses it would get the stage again and
   * again.
   */
  boolean mayReturn(Holder holder, long now) {
    var failure = failures.get(holder.address());
    return failure == null
        || now - failure.at > DISTRUST << Math.min(failure.relapses, MOST_DOUBLINGS);
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
