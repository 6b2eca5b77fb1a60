package org.fusionc.runtime.exec;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.sampling.LogProbabilities;
import org.fusionc.runtime.sampling.Logits;
import org.jspecify.annotations.Nullable;

/**
 * Drives sessions through a pipeline. Every frame carries tokens of many sessions: the next token
 * of those that decode, and chunks of the prompts of those that begin (continuous batching, chunked
 * prefill; Yu et al. 2022, Agrawal et al. 2023). With several stages the sessions are spread over
 * as many frames, so that every stage has one to work on.
 *
 * <p>A session's tokens do not depend on its company: kernels compute each row in the same order
 * whatever the batch, and sampling depends on seed and history alone.
 *
 * <p>It has no thread: results are handled on the thread that brings them, and so the next frame
 * goes out from there.
 */
public final class Coordinator implements AutoCloseable {
  /**
   * What bounds the sessions.
   *
   * @param context positions that a sequence can have
   * @param pages pages of the KV cache, for all sessions together
   * @param pageTokens positions per page
   * @param frameTokens tokens that one frame carries at most
   * @param vocabulary logits of an output
   * @param frameLogits numbers that come back for one frame at most, but for a frame with a single
   *     output: what comes back has to fit into a message
   */
  public record Limits(
      int context, int pages, int pageTokens, int frameTokens, int vocabulary, long frameLogits) {
    /** How many numbers come back for an output of which the {@code enough} largest are wanted. */
    private long logits(int enough) {
      return enough == 0 ? vocabulary : Math.min(vocabulary, 2L * enough);
    }
  }

  /**
   * What it has to do.
   *
   * @param sessions that run
   * @param waiting sessions that wait for pages of the cache
   * @param tokens generated so far
   */
  public record Load(int sessions, int waiting, long tokens) {}

  /** What happens to the coordinator; null fields are not part of the event. */
  private record Event(
      @Nullable Session submitted,
      @Nullable Session turned,
      @Nullable Sent sent,
      @Nullable List<Logits> result,
      @Nullable Throwable failure) {
    static Event submitted(Session session) {
      return new Event(session, null, null, null, null);
    }

    /** It was cancelled, or its listener has caught up or ended it. */
    static Event turned(Session session) {
      return new Event(null, session, null, null, null);
    }

    static Event received(Sent sent, @Nullable List<Logits> result, @Nullable Throwable failure) {
      return new Event(null, null, sent, result, failure);
    }

    boolean isClose() {
      return submitted == null && turned == null && sent == null;
    }
  }

  private static final Event CLOSE = new Event(null, null, null, null, null);

  private final Pipeline pipeline;
  private final Limits limits;
  private final PageTable pageTable;
  private final Mailbox<Event> events =
      new Mailbox<>(event -> guarded(() -> handle(event)), () -> guarded(this::proceed));
  private final AtomicLong sessionIds = new AtomicLong();
  private final Set<Session> live = ConcurrentHashMap.newKeySet();
  private final ExecutorService listening =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("listener").factory());
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private volatile @Nullable Throwable ended;

  /** Changed by whoever handles events only, read by others. */
  private volatile int pagesUsed;

  private volatile Load load = new Load(0, 0, 0);
  private long tokens;

  // Owned by whoever handles events.
  private final Deque<Session> waiting = new ArrayDeque<>();
  private final Deque<Session> ready = new ArrayDeque<>();
  private int active;

  /** How many of the active ones wait for their listeners. */
  private int paused;

  private int framesUnderWay;

  public Coordinator(Pipeline pipeline, Limits limits) {
    this.pipeline = pipeline;
    this.limits = limits;
    this.pageTable = new PageTable(limits.pages(), limits.pageTokens());
  }

  public Limits limits() {
    return limits;
  }

  /** What it has to do now. */
  public Load load() {
    return load;
  }

  /**
   * Why a new session would wait or fail, for all that its stages can do; empty if it would not.
   */
  public Optional<String> unready() {
    return pipeline.unready();
  }

  /** Pages of the KV cache that sessions hold now. */
  public int pagesUsed() {
    return pagesUsed;
  }

  /**
   * Begins a session; its tokens go to the listener as they come.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the prompt is empty or longer than the
   *     context
   */
  public Session submit(Request request, TokenListener listener) {
    int prompt = request.prompt().size();
    if (prompt == 0) {
      throw Diagnostic.invalid(
              Location.named("prompt"), "it has no tokens", "give at least one token or character")
          .exception();
    }
    if (prompt > limits.context()) {
      throw Diagnostic.invalid(
              Location.named("prompt"),
              "it has %d tokens, but the context has %d".formatted(prompt, limits.context()),
              "shorten the prompt by "
                  + (prompt - limits.context())
                  + " tokens, or use a model with a longer context")
          .exception();
    }
    if (Math.ceilDiv(positions(request), limits.pageTokens()) > limits.pages()) {
      throw Diagnostic.invalid(
              Location.named("prompt"),
              "the session needs %d positions of KV cache, but there are %d"
                  .formatted(positions(request), limits.pages() * limits.pageTokens()),
              "ask for fewer tokens, or provide for a larger cache")
          .exception();
    }
    var session =
        new Session(
            sessionIds.incrementAndGet(), request, listener, s -> events.post(Event.turned(s)));
    if (listener.mayWait()) {
      session.hearing = hearing(session);
    }
    live.add(session);
    var _ = session.done.whenComplete((_, _) -> live.remove(session));
    events.post(Event.submitted(session));
    // Whoever ends the coordinator says so before ending the live sessions: one of the two sees it.
    var cause = ended;
    if (cause != null) {
      session.done.completeExceptionally(cause);
    }
    return session;
  }

  private Hearing hearing(Session session) {
    var heard =
        new Hearing.Heard() {
          @Override
          public void turned() {
            events.post(Event.turned(session));
          }

          @Override
          public Completion stopped(List<Integer> ids) {
            return completion(session, ids, Completion.Reason.STOP);
          }
        };
    return new Hearing(session.listener, session.done, listening, heard);
  }

  /** The positions that a request can come to use: the last token is never fed. */
  private int positions(Request request) {
    long wanted = (long) request.prompt().size() + Math.max(request.maxTokens() - 1, 0);
    return (int) Math.min(wanted, limits.context());
  }

  private void guarded(Runnable step) {
    if (!closed.isDone()) {
      try {
        step.run();
      } catch (RuntimeException | Error defect) {
        fail(defect);
      }
    }
  }

  private void handle(Event event) {
    if (event.isClose()) {
      closed.complete(null);
    }
    if (event.submitted != null) {
      waiting.add(event.submitted);
    }
    if (event.turned != null) {
      turned(event.turned);
    }
    if (event.sent != null) {
      received(event.sent, event.result, event.failure);
    }
  }

  /** Everything that has happened meanwhile belongs into the next frames as well. */
  private void proceed() {
    admit();
    send();
    load = new Load(active, waiting.size(), tokens);
  }

  /** Nobody else would wake those who wait for their sessions. */
  private void fail(Throwable cause) {
    ended = cause;
    closed.complete(null);
    live.forEach(session -> session.done.completeExceptionally(cause));
  }

  private void admit() {
    while (!waiting.isEmpty()) {
      var session = waiting.getFirst();
      if (session.cancelled) {
        waiting.removeFirst();
        finish(session, Completion.Reason.CANCELLED, null);
        continue;
      }
      var pages = pageTable.take(positions(session.request));
      if (pages.isEmpty()) {
        return;
      }
      waiting.removeFirst();
      session.pages = pages.get();
      pagesUsed = limits.pages() - pageTable.free();
      active++;
      ready.add(session);
    }
  }

  /** Fills frames while there are sessions to carry and stages to carry them. */
  private void send() {
    int depth = pipeline.depth();
    while (framesUnderWay < depth && !ready.isEmpty()) {
      int share = Math.ceilDiv(active - paused, depth);
      int budget = limits.frameTokens();
      long logits = 0;
      var sessions = new ArrayList<Session>();
      var tokens = new ArrayList<Integer>();
      var outputs = new ArrayList<Boolean>();
      var unfinished = new ArrayList<Session>();
      while (!ready.isEmpty() && sessions.size() < share && budget > 0) {
        var session = ready.getFirst();
        int count = Math.min(session.length - session.fed, budget);
        boolean complete = session.fed + count == session.length;
        logits += complete ? limits.logits(session.enough()) : 0;
        if (!sessions.isEmpty() && logits > limits.frameLogits()) {
          break;
        }
        ready.removeFirst();
        budget -= count;
        sessions.add(session);
        tokens.add(count);
        outputs.add(complete);
        session.underWay++;
        if (!complete) {
          unfinished.add(session);
        }
      }
      framesUnderWay++;
      var sent = new Sent(sessions, tokens, outputs);
      var frame = sent.frame(pipeline.input());
      // The next chunk of a prompt need not wait for this one: frames keep their order.
      ready.addAll(unfinished);
      var _ =
          pipeline
              .submit(frame, sent.enough())
              .whenComplete(
                  (result, failure) -> events.post(Event.received(sent, result, failure)));
    }
  }

  private void received(Sent sent, @Nullable List<Logits> result, @Nullable Throwable failure) {
    framesUnderWay--;
    sent.sessions().forEach(session -> session.underWay--);
    if (failure != null || result == null) {
      var cause = failure == null ? new CancellationException() : failure;
      sent.sessions().forEach(session -> end(session, null, cause));
      return;
    }
    int output = 0;
    for (int i = 0; i < sent.sessions().size(); i++) {
      var session = sent.sessions().get(i);
      if (sent.outputs().get(i)) {
        var own = result.get(output++);
        if (session.ended) {
          release(session);
        } else {
          step(session, own);
        }
      } else if (session.ended) {
        release(session);
      } else if (session.cancelled) {
        end(session, Completion.Reason.CANCELLED, null);
      }
    }
  }

  private void turned(Session session) {
    if (session.ended) {
      return;
    }
    if (session.done.isDone()) {
      end(session, Completion.Reason.STOP, null);
    } else if (session.paused && session.cancelled) {
      end(session, Completion.Reason.CANCELLED, null);
    } else if (session.paused) {
      session.paused = false;
      paused--;
      ready.add(session);
    }
  }

  /** The logits after a session's last token have come: choose the next one. */
  private void step(Session session, Logits logits) {
    try {
      if (session.done.isDone()) {
        // Its listener has ended it meanwhile.
        end(session, Completion.Reason.STOP, null);
        return;
      }
      if (session.logits == null && logits instanceof Logits.Row row) {
        session.logits = row.toArray();
      }
      if (session.cancelled) {
        end(session, Completion.Reason.CANCELLED, null);
        return;
      }
      if (session.generated() >= session.request.maxTokens()) {
        end(session, Completion.Reason.LENGTH, null);
        return;
      }
      int token = session.sampler.next(logits, session.history());
      if (session.firstToken == 0) {
        session.firstToken = System.nanoTime();
      }
      if (session.request.stopIds().contains(token)) {
        end(session, Completion.Reason.STOP, null);
        return;
      }
      session.append(token);
      tokens++;
      var answer = tell(session, token, logits);
      if (answer == Answer.STOP) {
        end(session, Completion.Reason.STOP, null);
      } else if (session.generated() >= session.request.maxTokens()) {
        end(session, Completion.Reason.LENGTH, null);
      } else if (session.length > limits.context()) {
        end(session, Completion.Reason.CONTEXT, null);
      } else if (answer == Answer.PAUSE) {
        session.paused = true;
        paused++;
      } else {
        ready.add(session);
      }
    } catch (RuntimeException | Error failure) {
      end(session, null, failure);
    }
  }

  /** What a session does after a token. */
  private enum Answer {
    GO_ON,
    STOP,
    PAUSE
  }

  private static Answer tell(Session session, int token, Logits logits) {
    int alternatives = session.request.alternatives();
    var choice =
        alternatives >= 0 && logits instanceof Logits.Row row
            ? LogProbabilities.choice(row.toArray(), token, alternatives)
            : null;
    var hearing = session.hearing;
    if (hearing != null) {
      return hearing.token(token, choice) ? Answer.GO_ON : Answer.PAUSE;
    }
    return Hearing.tell(session.listener, token, choice) ? Answer.GO_ON : Answer.STOP;
  }

  private void end(
      Session session, Completion.@Nullable Reason reason, @Nullable Throwable failure) {
    if (!session.ended) {
      active--;
      ready.remove(session);
      if (session.paused) {
        session.paused = false;
        paused--;
      }
      finish(session, reason, failure);
    }
    release(session);
  }

  private static void finish(
      Session session, Completion.@Nullable Reason reason, @Nullable Throwable failure) {
    session.ended = true;
    var completion = reason == null ? null : completion(session, session.generatedIds(), reason);
    var cause = failure == null ? new CancellationException() : failure;
    if (session.hearing != null) {
      session.hearing.end(completion, cause);
    } else if (completion != null) {
      session.done.complete(completion);
    } else {
      session.done.completeExceptionally(cause);
    }
  }

  /** Frees an ended session's cache, once no frame that writes to it is under way. */
  private void release(Session session) {
    if (session.underWay == 0) {
      pageTable.give(session.pages);
      pagesUsed = limits.pages() - pageTable.free();
      session.pages = new int[0];
      pipeline.forget(session.id);
    }
  }

  private static Completion completion(
      Session session, List<Integer> ids, Completion.Reason reason) {
    long first = session.firstToken == 0 ? System.nanoTime() : session.firstToken;
    return new Completion(
        ids,
        reason,
        session.logits == null ? new float[0] : session.logits,
        first - session.submitted,
        System.nanoTime() - first);
  }

  /** Stops; sessions that have not ended are cancelled. The pipeline is closed as well. */
  @Override
  public void close() {
    events.post(CLOSE);
    closed.join();
    pipeline.close();
    fail(new CancellationException());
    listening.shutdown();
  }
}
