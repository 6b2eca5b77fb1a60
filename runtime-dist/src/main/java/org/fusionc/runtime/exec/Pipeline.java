package org.fusionc.runtime.exec;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.fusionc.runtime.sampling.Logits;

/**
 * Stages in a row, here or on other machines. Frames that are submitted run through all of them,
 * each stage working on one frame while its neighbours work on others; they come out in the order
 * in which they went in.
 */
public interface Pipeline extends AutoCloseable {
  /** How many frames it can work on at once; may change from call to call. */
  int depth();

  /** Why a frame that is submitted now would wait or fail; empty if it would not. */
  default Optional<String> unready() {
    return Optional.empty();
  }

  /** The name of the value that holds the token ids in frames that are submitted. */
  String input();

  /**
   * Runs a frame through all stages.
   *
   * @param enough per wanted output of the batch, how many of its largest logits the caller needs;
   *     0 for all. It may get more.
   * @return the logits of the wanted outputs, in order, or what went wrong
   */
  CompletableFuture<List<Logits>> submit(Frame frame, int[] enough);

  /** A session has ended, and no frame of it is under way: what is kept for it can go. */
  void forget(long session);

  /** Lets the frames under way finish or fails them, then frees everything. */
  @Override
  void close();

  /**
   * Waits for a thread's end even if interrupted meanwhile: it works in memory that is freed next.
   */
  static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException again) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
