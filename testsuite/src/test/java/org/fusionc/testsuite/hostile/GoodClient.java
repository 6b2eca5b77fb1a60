package org.fusionc.testsuite.hostile;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.EchoMessage;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.jspecify.annotations.Nullable;

/** Calls again and again while others attack, on a lasting connection and on new ones. */
final class GoodClient implements AutoCloseable {
  private static final ByteString DATA = ByteString.copyFrom(new byte[1000]);

  private final Transport transport;
  private final Address address;
  private final Thread thread;
  private volatile boolean stopping;
  private volatile int calls;
  private volatile @Nullable Throwable failure;

  GoodClient(Transport transport, Address address) {
    this.transport = transport;
    this.address = address;
    thread = Thread.ofVirtual().start(this::run);
  }

  private void run() {
    ManagedChannel lasting = transport.channel(address);
    try {
      while (!stopping) {
        echo(lasting);
        ManagedChannel fresh = transport.channel(address);
        try {
          echo(fresh);
        } finally {
          fresh.shutdownNow();
        }
        calls += 2;
        Thread.sleep(5);
      }
    } catch (Exception e) {
      failure = e;
    } finally {
      lasting.shutdownNow();
    }
  }

  private static void echo(ManagedChannel channel)
      throws ExecutionException, InterruptedException, TimeoutException {
    var answer = new CompletableFuture<EchoMessage>();
    var requests =
        EchoServiceGrpc.newStub(channel)
            .echo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(EchoMessage message) {
                    answer.complete(message);
                  }

                  @Override
                  public void onError(Throwable failed) {
                    answer.completeExceptionally(failed);
                  }

                  @Override
                  public void onCompleted() {
                    answer.completeExceptionally(new IllegalStateException("no answer"));
                  }
                });
    requests.onNext(EchoMessage.newBuilder().setData(DATA).build());
    requests.onCompleted();
    if (!answer.get(30, TimeUnit.SECONDS).getData().equals(DATA)) {
      throw new IllegalStateException("another answer");
    }
  }

  /** Waits until it has made some more calls; says so if one failed. */
  void assertServed() throws InterruptedException {
    int wanted = calls + 4;
    while (calls < wanted && failure == null) {
      Thread.sleep(5);
    }
    if (failure != null) {
      throw new AssertionError("a good client was not served after " + calls + " calls", failure);
    }
  }

  @Override
  public void close() {
    stopping = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
