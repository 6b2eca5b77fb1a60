package org.fusionc.testsuite.hostile;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for how a call ends; lets go of what it answers. */
final class StreamEnd<T> implements StreamObserver<T> {
  private final CompletableFuture<Status> ended = new CompletableFuture<>();
  private final CompletableFuture<T> first = new CompletableFuture<>();

  @Override
  public void onNext(T answer) {
    first.complete(answer);
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
