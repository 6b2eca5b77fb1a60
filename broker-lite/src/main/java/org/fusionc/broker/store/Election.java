package org.fusionc.broker.store;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of several candidates leads: the one whose key is in the store, for as long as its lease
 * lasts. What a leader writes compares that key, so that one whose lease ran out unnoticed writes
 * nothing.
 */
public final class Election implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Election.class);

  /** Hears what becomes of this candidate; one call at a time. */
  public interface Candidate {
    /**
     * It leads now.
     *
     * @param term what everything that it writes must compare
     */
    void elected(Compare term);

    /** It leads no more. */
    void deposed();
  }

  private final Store store;
  private final String key;
  private final ByteString self;
  private final Duration time;
  private final Candidate candidate;
  private final Thread thread;
  private volatile boolean closed;
  private @Nullable Lease lease;
  private boolean leads;
  private final CountDownLatch decided = new CountDownLatch(1);

  private Election(Store store, String key, String self, Duration time, Candidate candidate) {
    this.store = store;
    this.key = key;
    this.self = ByteString.copyFromUtf8(self);
    this.time = time;
    this.candidate = candidate;
    thread = Thread.ofVirtual().name("election").unstarted(this::run);
  }

  /**
   * Stands for election until closed.
   *
   * @param self what the others are told of the leader
   * @param time after which a leader that is gone is replaced
   */
  public static Election stand(
      Store store, String key, String self, Duration time, Candidate candidate) {
    var election = new Election(store, key, self, time, candidate);
    election.thread.start();
    return election;
  }

  /** Waits until it is known whether this candidate leads at first, but not for long. */
  public void awaitFirst(Duration time) throws InterruptedException {
    var _ = decided.await(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** What the leader said of itself; empty if there is none now. */
  public Optional<String> leader() {
    return store.get(key).map(entry -> entry.value().toStringUtf8());
  }

  private void run() {
    while (!closed) {
      try {
        step();
        decided.countDown();
        Thread.sleep(time.toMillis() / 4);
      } catch (InterruptedException ending) {
        break;
      } catch (DiagnosticException failure) {
        LOG.warn("election: {}", failure.getMessage());
        resign();
        pause();
      } catch (RuntimeException failure) {
        // Whoever cannot take over now must not keep others from it, and may be able to later.
        LOG.error("election: a defect; this candidate stands again", failure);
        resign();
        pause();
      }
    }
    resign();
  }

  private void pause() {
    try {
      Thread.sleep(time.toMillis() / 4);
    } catch (InterruptedException ending) {
      closed = true;
    }
  }

  private void step() {
    if (lease != null && !lease.keepAlive()) {
      LOG.warn("election: the lease has run out");
      lease = null;
      depose();
    }
    if (lease == null) {
      lease = store.lease(time);
    }
    if (!leads) {
      boolean won =
          store.transact(
              List.of(Compare.absent(key)), List.of(new Change.Put(key, self, lease.id())));
      if (won) {
        var term = store.get(key).filter(entry -> entry.value().equals(self));
        if (term.isPresent()) {
          leads = true;
          candidate.elected(new Compare(key, term.get().modified()));
        }
      } else if (store.get(key).filter(entry -> entry.value().equals(self)).isPresent()) {
        // Won in a call whose answer was lost, or in an earlier life: it goes with its lease.
        lease.close();
        lease = null;
      }
    } else if (store.get(key).filter(entry -> entry.value().equals(self)).isEmpty()) {
      LOG.warn("election: another one leads");
      depose();
    }
  }

  private void depose() {
    if (leads) {
      leads = false;
      candidate.deposed();
    }
  }

  private void resign() {
    depose();
    if (lease != null) {
      try {
        lease.close();
      } catch (RuntimeException failure) {
        LOG.warn("election: a lease was not given back: {}", failure.getMessage());
      }
      lease = null;
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
    }
  }
}
