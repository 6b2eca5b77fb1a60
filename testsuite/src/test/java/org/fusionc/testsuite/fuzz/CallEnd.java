package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for the end of a call, and lets go of its answers. */
final class CallEnd<T> implements StreamObserver<T> {
  /** These would say that the server did not expect what came. */
  private static final Set<Status.Code> DEFECTS =
      Set.of(Status.Code.INTERNAL, Status.Code.UNKNOWN, Status.Code.DEADLINE_EXCEEDED);

  private final CompletableFuture<Status> ended = new CompletableFuture<>();

  @Override
  public void onNext(T answer) {}

  @Override
  public void onError(Throwable failure) {
    ended.complete(Status.fromThrowable(failure));
  }

  @Override
  public void onCompleted() {
    ended.complete(Status.OK);
  }

  /** It must end, served or refused with a reason. */
  void assertServedOrRefused() {
    try {
      var status = ended.get(20, TimeUnit.SECONDS);
      assertThat(status.getCode()).as(status.toString()).isNotIn(DEFECTS);
      if (!status.isOk()) {
        assertThat(status.getDescription()).as(status.toString()).isNotBlank();
      }
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("the call did not end", e);
    }
  }

  /** Sends what the server may have refused already. */
  static <T> void send(StreamObserver<T> requests, T message) {
    try {
      requests.onNext(message);
    } catch (IllegalStateException over) {
      // The call has ended; how, is looked at later.
    }
  }

  static void complete(StreamObserver<?> requests) {
    try {
      requests.onCompleted();
    } catch (IllegalStateException over) {
      // As above.
    }
  }
}
