package org.fusionc.runtime.exec;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.fusionc.runtime.sampling.LogProbabilities;
import org.jspecify.annotations.Nullable;

/**
 * Tells a listener what its session generates, in order, off the threads that compute: whoever
 * writes to a terminal that nobody reads must not keep the other sessions. The session's end is the
 * last thing in the queue, so that whoever awaits it knows that all has been heard.
 *
 * <p>The threads are the platform's: a write to a file or terminal keeps the carrier of a virtual
 * one.
 */
final class Hearing {
  /** Tokens that are kept for a listener; when they are so many its session pauses. */
  static final int MOST = 64;

  /** What is to be told: a token, or the end. */
  private sealed interface Item {
    record Token(int id, LogProbabilities.@Nullable Choice choice) implements Item {}

    record End(@Nullable Completion completion, Throwable failure) implements Item {}
  }

  /** The coordinator; called on the listener's thread. */
  interface Heard {
    /** There is room for tokens again, or the listener has ended the session. */
    void turned();

    /** How a session ends that the listener stops after these ids. */
    Completion stopped(List<Integer> ids);
  }

  private final TokenListener listener;
  private final CompletableFuture<Completion> done;
  private final Executor threads;
  private final Heard heard;

  private final Deque<Item> queue = new ArrayDeque<>();
  private boolean telling;
  private boolean full;

  /** What the listener has taken; one thread at a time uses it. */
  private final List<Integer> ids = new ArrayList<>();

  Hearing(
      TokenListener listener, CompletableFuture<Completion> done, Executor threads, Heard heard) {
    this.listener = listener;
    this.done = done;
    this.threads = threads;
    this.heard = heard;
  }

  /** Tells a token; whether there is room for another one. If not, {@code turned} comes later. */
  synchronized boolean token(int id, LogProbabilities.@Nullable Choice choice) {
    add(new Item.Token(id, choice));
    full = queue.size() >= MOST;
    return !full;
  }

  /**
   * Ends the session once the listener has heard all.
   *
   * @param failure why there is no completion, if there is none
   */
  synchronized void end(@Nullable Completion completion, Throwable failure) {
    add(new Item.End(completion, failure));
  }

  private void add(Item item) {
    queue.add(item);
    if (!telling) {
      telling = true;
      threads.execute(this::tell);
    }
  }

  private void tell() {
    while (true) {
      Item item;
      boolean room;
      synchronized (this) {
        item = queue.poll();
        if (item == null) {
          telling = false;
          return;
        }
        room = full && queue.size() <= MOST / 2;
        full &= !room;
      }
      if (room) {
        heard.turned();
      }
      // Of a session that has ended, be it because its coordinator was closed, nobody wants to
      // hear.
      if (!done.isDone()) {
        tell(item);
      }
    }
  }

  private void tell(Item item) {
    switch (item) {
      case Item.Token(int id, var choice) -> {
        ids.add(id);
        try {
          if (tell(listener, id, choice)) {
            return;
          }
          done.complete(heard.stopped(ids));
        } catch (RuntimeException | Error failure) {
          done.completeExceptionally(failure);
        }
        heard.turned();
      }
      case Item.End(var completion, var failure) -> {
        if (completion != null) {
          done.complete(completion);
        } else {
          done.completeExceptionally(failure);
        }
      }
    }
  }

  /** Whether the session shall go on. */
  static boolean tell(TokenListener listener, int id, LogProbabilities.@Nullable Choice choice) {
    return choice == null ? listener.accept(id) : listener.accept(id, choice);
  }
}
