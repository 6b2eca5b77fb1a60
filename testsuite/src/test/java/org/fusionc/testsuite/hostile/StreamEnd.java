package org.fusionc.testsuite.hostile;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for how a call ends; keeps a few of its answers. */
final class StreamEnd<T> implements StreamObserver<T> {
  private final CompletableFuture<Status> ended = new CompletableFuture<>();
  private final BlockingQueue<T> answers = new ArrayBlockingQueue<>(64);
  private final CompletableFuture<T> first = new CompletableFuture<>();

  @Override
  public void onNext(T answer) {
    first.complete(answer);
    answers.offer(answer);
  }

  @Override
  public void onError(Throwable failure) {
    ended.complete(Status.fromThrowable(failure));
    first.completeExceptionally(failure);
  }

  @Override
  public void onCompleted() {
    ended.complete(Status.OK);
  }

  /** The next answer, after the first one. */
  T next() throws InterruptedException, TimeoutException {
    T answer = answers.poll(30, TimeUnit.SECONDS);
    if (answer == null) {
      throw new TimeoutException("no answer came; the call's end: " + ended);
    }
    return answer;
  }

  T first() throws ExecutionException, InterruptedException, TimeoutException {
    return first.get(30, TimeUnit.SECONDS);
  }

  Status status() {
    try {
      return ended.get(30, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("the call has not ended", e);
    }
  }
}
