package org.fusionc.runtime.serve;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.exec.TokenListener;
import org.fusionc.runtime.sampling.LogProbabilities;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one request, each on a virtual thread that waits for its turn and its end. What
 * happens comes out of one queue, so that a client that reads slowly keeps nobody but itself. The
 * queue is bounded by what the sessions can generate: a context's length of tokens each.
 */
final class Run implements AutoCloseable {
  /** What happened to a choice. */
  sealed interface Event {
    int choice();

    /**
     * A token came.
     *
     * @param nanos when, by {@link System#nanoTime}
     */
    record Token(int choice, int id, LogProbabilities.@Nullable Choice scores, long nanos)
        implements Event {}

    /** It ended; one of reason and failure is there. */
    record End(int choice, Completion.@Nullable Reason reason, @Nullable Throwable failure)
        implements Event {}
  }

  private static final class Choice {
    final Admission.Ticket ticket;
    volatile @Nullable Session session;
    volatile boolean cancelled;

    Choice(Admission.Ticket ticket) {
      this.ticket = ticket;
    }

    void cancel() {
      cancelled = true;
      var running = session;
      if (running != null) {
        running.cancel();
      }
    }
  }

  private final ServedModel model;
  private final Job job;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final List<Choice> choices;

  /**
   * Starts.
   *
   * @throws ApiException if the server is too busy
   */
  Run(ServedModel model, Job job, Admission admission) {
    this.model = model;
    this.job = job;
    this.choices = admission.take(job.choices()).stream().map(Choice::new).toList();
    for (int i = 0; i < choices.size(); i++) {
      int index = i;
      Thread.ofVirtual().name("choice").start(() -> drive(index, choices.get(index)));
    }
  }

  private void drive(int index, Choice choice) {
    try (var ticket = choice.ticket) {
      if (!ticket.await() || choice.cancelled) {
        events.add(new Event.End(index, Completion.Reason.CANCELLED, null));
        return;
      }
      var request =
          new Request(
              job.prompt(index),
              job.sampling(index),
              job.maxTokens(),
              model.endOfText(),
              job.alternatives());
      var session = model.engine().submit(request, new Listener(index, choice));
      choice.session = session;
      if (choice.cancelled) {
        session.cancel();
      }
      events.add(new Event.End(index, session.await().reason(), null));
    } catch (RuntimeException | Error failure) {
      events.add(new Event.End(index, null, failure));
    }
  }

  /** Hears of tokens on a thread that must not wait. */
  private final class Listener implements TokenListener {
    private final int index;
    private final Choice choice;

    Listener(int index, Choice choice) {
      this.index = index;
      this.choice = choice;
    }

    @Override
    public boolean accept(int id) {
      events.add(new Event.Token(index, id, null, System.nanoTime()));
      return !choice.cancelled;
    }

    @Override
    public boolean accept(int id, LogProbabilities.Choice scores) {
      events.add(new Event.Token(index, id, scores, System.nanoTime()));
      return !choice.cancelled;
    }

    @Override
    public boolean mayWait() {
      return false;
    }
  }

  /** The next event, or null if there is none for so long. */
  @Nullable Event poll(long millis) throws InterruptedException {
    return events.poll(millis, TimeUnit.MILLISECONDS);
  }

  /** Ends a choice early; its end still comes. */
  void cancel(int choice) {
    choices.get(choice).cancel();
  }

  /** Ends all that has not ended; those that wait leave the queue at once. */
  @Override
  public void close() {
    choices.forEach(choice -> {
      choice.cancel();
      choice.ticket.leaveQueue();
    });
  }
}
