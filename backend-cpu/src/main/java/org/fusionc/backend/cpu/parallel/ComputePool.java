package org.fusionc.backend.cpu.parallel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads that share out ranges of work.
 *
 * <p>The thread that calls {@link #parallelFor} takes part, so a pool of one thread starts none. An
 * idle worker spins for some tens of microseconds, which covers the gap between two ops of a
 * decoder step, and then parks. A call allocates nothing. A worker that wakes late simply finds the
 * work gone: the caller waits only for workers that joined.
 *
 * <p>Several threads may call at once; they take turns. A call from within a task runs its range on
 * the calling thread.
 */
public final class ComputePool implements AutoCloseable {

  /**
   * How often an idle thread looks again before it parks: some tens of microseconds. For longer it
   * would be in the way of whoever has work meanwhile, such as another stage on the same machine.
   */
  private static final int SPINS = 4_000;

  // The gate is one word: the job's number, how many workers are inside it, and whether it is open.
  private static final long OPEN = 1;
  private static final long JOINED = 2;
  private static final long JOINED_MASK = 0xFFFEL;
  private static final long JOB = 0x1_0000L;

  private final AtomicLong gate = new AtomicLong();
  private final AtomicLong next = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
  private final ReentrantLock turn = new ReentrantLock();
  private final List<Worker> workers = new ArrayList<>();

  // Written by the caller before it opens the gate, read by workers after they passed it.
  private @Nullable RangeTask task;
  private long size;
  private long grain;

  private volatile @Nullable Thread waitingCaller;
  private volatile boolean closed;

  /**
   * A pool in which {@code threads} threads compute, the caller of {@link #parallelFor} among them.
   *
   * @throws IllegalArgumentException if {@code threads} is not in 1 … 1024
   */
  public ComputePool(int threads) {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("a pool needs 1 to 1024 threads, not " + threads);
    }
    for (int i = 1; i < threads; i++) {
      workers.add(new Worker("fusionc-compute-" + i));
    }
    for (Worker worker : workers) {
      worker.start();
    }
  }

  /** How many threads compute, the caller among them. */
  public int threads() {
    return workers.size() + 1;
  }

  /**
   * Runs {@code body} over the ranges that make up {@code 0 … n-1}, each {@code grain} items long
   * (the last one may be shorter), and returns when all are done. Which thread does which range is
   * left open, so ranges must be independent. What a range throws is thrown here, after the others
   * have stopped; ranges not yet begun are then left out.
   *
   * @param n how many items; 0 or less does nothing
   * @param grain items per range, at least 1
   * @throws IllegalStateException if the pool is closed
   */
  public void parallelFor(long n, long grain, RangeTask body) {
    if (n <= 0) {
      return;
    }
    long step = Math.max(1, grain);
    if (workers.isEmpty() || n <= step || turn.isHeldByCurrentThread() || isWorker()) {
      for (long from = 0; from < n; from += step) {
        body.run(from, Math.min(n, from + step));
      }
      return;
    }
    turn.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the compute pool is closed");
      }
      runJob(n, step, body);
    } finally {
      turn.unlock();
    }
  }

  private void runJob(long n, long step, RangeTask body) {
    task = body;
    size = n;
    grain = step;
    next.set(0);
    gate.set((gate.get() & -JOB) + JOB + OPEN);
    long wanted = Math.min(workers.size(), (n - 1) / step);
    for (int i = 0; i < wanted; i++) {
      workers.get(i).wake();
    }
    drain(body, n, step);
    leaveAndWait();
    task = null;
    Throwable failure = thrown.getAndSet(null);
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private void leaveAndWait() {
    gate.getAndAdd(-OPEN);
    for (int spin = 0; (gate.get() & JOINED_MASK) != 0; spin++) {
      if (spin < SPINS) {
        Thread.onSpinWait();
      } else {
        waitingCaller = Thread.currentThread();
        if ((gate.get() & JOINED_MASK) != 0) {
          LockSupport.park(this);
        }
        waitingCaller = null;
      }
    }
  }

  private void drain(RangeTask body, long n, long step) {
    try {
      for (long from = next.getAndAdd(step); from < n; from = next.getAndAdd(step)) {
        body.run(from, Math.min(n, from + step));
      }
    } catch (RuntimeException | Error failure) {
      thrown.compareAndSet(null, failure);
      next.set(n);
    }
  }

  private boolean isWorker() {
    return Thread.currentThread() instanceof Worker worker && worker.pool() == this;
  }

  /** Stops the threads. Calls under way finish first. */
  @Override
  public void close() {
    turn.lock();
    try {
      closed = true;
      for (Worker worker : workers) {
        LockSupport.unpark(worker);
      }
    } finally {
      turn.unlock();
    }
  }

  private final class Worker extends Thread {
    private volatile boolean parked;
    private long lastJob;

    Worker(String name) {
      super(name);
      setDaemon(true);
    }

    ComputePool pool() {
      return ComputePool.this;
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      while (awaitJob()) {
        RangeTask body = task;
        if (body != null) {
          drain(body, size, grain);
        }
        long after = gate.addAndGet(-JOINED);
        Thread caller = waitingCaller;
        if (caller != null && (after & JOINED_MASK) == 0) {
          LockSupport.unpark(caller);
        }
      }
    }

    /** Joins the next open job; false when the pool is closed. */
    private boolean awaitJob() {
      int spin = 0;
      while (!closed) {
        long seen = gate.get();
        if (isNew(seen)) {
          if (gate.compareAndSet(seen, seen + JOINED)) {
            lastJob = seen & -JOB;
            return true;
          }
        } else if (spin++ < SPINS) {
          Thread.onSpinWait();
        } else {
          parked = true;
          if (!isNew(gate.get()) && !closed) {
            LockSupport.park(ComputePool.this);
          }
          parked = false;
          spin = 0;
        }
      }
      return false;
    }

    private boolean isNew(long seen) {
      return (seen & OPEN) != 0 && (seen & -JOB) != lastJob;
    }
  }
}
