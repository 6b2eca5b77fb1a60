package org.fusionc.runtime.net;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.peer.EchoServer;
import org.fusionc.runtime.proto.EchoMessage;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.jspecify.annotations.Nullable;

/** A server that gives back what comes, as peers do. */
final class TestServer implements AutoCloseable {
  private final Server server;

  TestServer(Transport transport, @Nullable Tokens tokens, Limits limits) throws IOException {
    server =
        transport
            .server(Address.parse("127.0.0.1:0"), tokens, limits)
            .addService(new EchoServer())
            .build();
    server.start();
  }

  TestServer(Transport transport, @Nullable Tokens tokens) throws IOException {
    this(transport, tokens, Limits.DEFAULT);
  }

  Address address() {
    return new Address("127.0.0.1", server.getPort());
  }

  /** One round trip over a channel of its own. */
  static EchoMessage call(Transport transport, Address address) throws Exception {
    ManagedChannel channel = transport.channel(address);
    try {
      var answer = new CompletableFuture<EchoMessage>();
      var requests =
          EchoServiceGrpc.newStub(channel)
              .withDeadlineAfter(20, TimeUnit.SECONDS)
              .echo(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(EchoMessage message) {
                      answer.complete(message);
                    }

                    @Override
                    public void onError(Throwable failure) {
                      answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {
                      answer.completeExceptionally(new IllegalStateException("no answer"));
                    }
                  });
      requests.onNext(EchoMessage.newBuilder().setNonce(42).build());
      requests.onCompleted();
      return answer.get(30, TimeUnit.SECONDS);
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
