package org.fusionc.runtime.exec;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.fusionc.runtime.sampling.Sampler;
import org.jspecify.annotations.Nullable;

/**
 * One sequence being generated. All but {@link #await} and {@link #cancel} is the coordinator's.
 */
public final class Session {
  final long id;
  final Request request;
  final TokenListener listener;
  final Sampler sampler;
  final CompletableFuture<Completion> done = new CompletableFuture<>();
  final long submitted = System.nanoTime();

  /** Prompt and generated ids; those before {@code fed} are in the cache or on their way to it. */
  int[] ids;

  int length;
  int fed;
  int[] pages = {};

  /** How many frames that carry tokens of this session have not come back. */
  int underWay;

  long firstToken;
  float @Nullable [] logits;
  volatile boolean cancelled;

  /** Between it and a listener that may wait; null for one that does not. */
  @Nullable Hearing hearing;

  /** It waits for its listener. */
  boolean paused;

  /** Nothing will be fed any more; {@code done} comes once the listener has heard all. */
  boolean ended;

  private final Consumer<Session> onCancel;

  Session(long id, Request request, TokenListener listener, Consumer<Session> onCancel) {
    this.onCancel = onCancel;
    this.id = id;
    this.request = request;
    this.listener = listener;
    this.sampler = new Sampler(request.sampling(), request.prompt().size());
    this.ids = request.prompt().stream().mapToInt(Integer::intValue).toArray();
    this.length = ids.length;
  }

  /**
   * Waits for the end.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the session failed
   */
  public Completion await() {
    try {
      return done.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw failed;
    }
  }

  /** Ends the session as soon as the frame that it is in comes back. */
  public void cancel() {
    cancelled = true;
    onCancel.accept(this);
  }

  void append(int token) {
    if (length == ids.length) {
      ids = java.util.Arrays.copyOf(ids, Math.max(16, 2 * length));
    }
    ids[length++] = token;
  }

  /**
   * How many of the largest logits it has use for, 0 for all: the first ones are kept for who asks.
   */
  int enough() {
    return logits == null || request.alternatives() >= 0 ? 0 : request.sampling().enough();
  }

  int generated() {
    return length - request.prompt().size();
  }

  int[] history() {
    return java.util.Arrays.copyOf(ids, length);
  }

  List<Integer> generatedIds() {
    var list = new ArrayList<Integer>();
    for (int i = request.prompt().size(); i < length; i++) {
      list.add(ids[i]);
    }
    return list;
  }
}
