package org.fusionc.runtime.exec;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.fusionc.runtime.sampling.Logits;
import org.jspecify.annotations.Nullable;

/** Stages in this process, each with a thread of its own. */
public final class LocalPipeline implements Pipeline {
  private record Work(@Nullable Frame frame, CompletableFuture<List<Logits>> done) {}

  private final List<Stage> stages;
  private final List<BlockingQueue<Work>> queues = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final @Nullable BoundaryLog boundaries;

  public LocalPipeline(List<? extends Stage> stages) {
    this(stages, null);
  }

  /**
   * @param boundaries keeps what enters each stage, for replay; null to keep nothing
   */
  public LocalPipeline(List<? extends Stage> stages, @Nullable BoundaryLog boundaries) {
    this.stages = List.copyOf(stages);
    this.boundaries = boundaries;
    for (int i = 0; i < stages.size(); i++) {
      queues.add(new LinkedBlockingQueue<>());
    }
    for (int i = 0; i < stages.size(); i++) {
      int index = i;
      threads.add(Thread.ofPlatform().daemon().name("stage-" + i).start(() -> serve(index)));
    }
  }

  public List<Stage> stages() {
    return stages;
  }

  @Override
  public int depth() {
    return stages.size();
  }

  @Override
  public String input() {
    return stages.getFirst().inputs().getFirst();
  }

  @Override
  public void forget(long session) {
    if (boundaries != null) {
      boundaries.forget(session);
    }
  }

  @Override
  public CompletableFuture<List<Logits>> submit(Frame frame, int[] enough) {
    var done = new CompletableFuture<List<Logits>>();
    queues.getFirst().add(new Work(frame, done));
    return done;
  }

  private void serve(int index) {
    var stage = stages.get(index);
    while (true) {
      Work work;
      try {
        work = queues.get(index).take();
      } catch (InterruptedException interrupted) {
        return;
      }
      if (work.frame == null) {
        return;
      }
      try {
        if (boundaries != null) {
          boundaries.record(index, stage.tokenInputs(), work.frame);
        }
        var out = stage.run(work.frame);
        if (index + 1 == stages.size()) {
          work.done.complete(out.logits());
        } else {
          queues.get(index + 1).add(new Work(out, work.done));
        }
      } catch (RuntimeException | Error failure) {
        work.done.completeExceptionally(failure);
      }
    }
  }

  /** Lets the frames under way finish, then closes the stages. */
  @Override
  public void close() {
    for (int i = 0; i < stages.size(); i++) {
      queues.get(i).add(new Work(null, new CompletableFuture<>()));
      Pipeline.join(threads.get(i));
    }
    stages.forEach(Stage::close);
  }
}
