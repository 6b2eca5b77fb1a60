package org.fusionc.runtime.cluster;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.exec.Pipeline;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.sampling.Logits;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A pipeline whose stages are peers of a cluster. When one is lost, the frames that have no result
 * yet wait until another has its place, and then give what they would have given; see {@link Run}.
 * They fail if that takes too long.
 */
public final class RemotePipeline implements Pipeline {
  private static final Logger LOG = LoggerFactory.getLogger(RemotePipeline.class);
  private static final long TICK = TimeUnit.MILLISECONDS.toNanos(50);

  private final String id = UUID.randomUUID().toString();
  private final String input;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Run run;
  private final Thread thread;
  private volatile List<String> peers = List.of();
  private volatile Optional<String> unready = Optional.of("the run has not begun");
  private volatile int stages;
  private volatile @Nullable Throwable ended;

  /**
   * Begins a run.
   *
   * @param state the deployment, as it is now; see {@link #update}
   * @param input the name of the value that holds the token ids
   * @param listener hears of failures and recoveries
   */
  public RemotePipeline(
      DeploymentState state,
      String input,
      RunOptions options,
      Transport transport,
      RunListener listener) {
    this.input = input;
    this.stages = state.stages().size();
    run = new Run(state, input, options, transport, listener, events::add);
    thread = Thread.ofPlatform().daemon().name("run-" + id.substring(0, 8)).start(this::serve);
  }

  /** The run's name: a UUID. */
  public String run() {
    return id;
  }

  /** The peers that have the stages now, by stage; empty text for a stage without one. */
  public List<String> peers() {
    return peers;
  }

  /** The deployment has changed. */
  public void update(DeploymentState state) {
    events.add(new Event.Changed(state));
  }

  /** The deployment has been removed; sessions go on as long as no stage loses its peer. */
  public void removed() {
    events.add(new Event.Removed());
  }

  @Override
  public Optional<String> unready() {
    return ended == null ? unready : Optional.of("the run has ended");
  }

  /** One frame per stage, and one on its way between two. */
  @Override
  public int depth() {
    int now = stages;
    return now == 1 ? 1 : now + 1;
  }

  @Override
  public String input() {
    return input;
  }

  @Override
  public CompletableFuture<List<Logits>> submit(Frame frame, int[] enough) {
    var done = new CompletableFuture<List<Logits>>();
    events.add(new Event.Submitted(frame, enough, done, System.nanoTime()));
    var cause = ended;
    if (cause != null) {
      done.completeExceptionally(cause);
    }
    return done;
  }

  @Override
  public void forget(long session) {
    events.add(new Event.Forgotten(session));
  }

  private void serve() {
    var watch = new Watch(run);
    long looked = System.nanoTime() - TICK;
    Throwable cause = new CancellationException("the run has ended");
    try {
      while (!(run.phase() instanceof Phase.Closed)) {
        long now = System.nanoTime();
        // Whatever has been said is heard before anybody is called silent.
        if (now - looked >= (events.isEmpty() ? TICK : 4 * TICK)) {
          looked = now;
          watch.look(now);
          stages = run.route().slots().size();
          peers = run.route().peers();
          unready = run.route().vacancies().stream().findFirst();
        }
        var event = events.poll(Math.max(1, looked + TICK - now), TimeUnit.NANOSECONDS);
        if (event != null) {
          run.handle(event);
        }
      }
    } catch (InterruptedException interrupted) {
      run.handle(new Event.Close());
    } catch (RuntimeException | Error defect) {
      LOG.error("run {}: a defect ended it", id, defect);
      cause =
          Diagnostic.failed(
                  Location.named("run " + id),
                  "a defect of this process has ended it: " + defect,
                  "see the log, and report it; a new run can be begun")
              .exception();
      end(cause);
    } finally {
      ended = cause;
      for (var event = events.poll(); event != null; event = events.poll()) {
        if (event instanceof Event.Submitted(var _, var _, var done, long _)) {
          done.completeExceptionally(cause);
        }
      }
    }
  }

  private void end(Throwable cause) {
    try {
      run.end(cause);
    } catch (RuntimeException | Error again) {
      LOG.error("run {}: it could not be ended in order", id, again);
    }
  }

  /** Fails the frames under way and leaves the peers; they free what they keep for the run. */
  @Override
  public void close() {
    events.add(new Event.Close());
    Pipeline.join(thread);
  }
}
