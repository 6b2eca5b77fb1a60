package org.fusionc.runtime.peer;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.fusionc.runtime.proto.EchoMessage;
import org.fusionc.runtime.proto.EchoServiceGrpc;

/** Gives back what comes, so that others can measure their link to here. */
public final class EchoServer extends EchoServiceGrpc.EchoServiceImplBase {
  private static final int LARGEST = 1 << 20;

  @Override
  public StreamObserver<EchoMessage> echo(StreamObserver<EchoMessage> replies) {
    var call = (ServerCallStreamObserver<EchoMessage>) replies;
    // A caller that sends and does not read must not fill the memory: the next message is asked for
    // once the answer has gone out.
    call.disableAutoRequest();
    var echo = new Echo(call);
    call.setOnReadyHandler(echo::more);
    call.setOnCancelHandler(() -> {});
    return echo;
  }

  private static final class Echo implements StreamObserver<EchoMessage> {
    private final ServerCallStreamObserver<EchoMessage> replies;
    private boolean asked;
    private boolean ended;

    Echo(ServerCallStreamObserver<EchoMessage> replies) {
      this.replies = replies;
    }

    synchronized void more() {
      if (!asked && !ended && replies.isReady()) {
        asked = true;
        replies.request(1);
      }
    }

    @Override
    public synchronized void onNext(EchoMessage message) {
      asked = false;
      if (message.getData().size() > LARGEST) {
        ended = true;
        replies.onError(
            io.grpc.Status.INVALID_ARGUMENT
                .withDescription("at most 1 MiB in a message")
                .asRuntimeException());
        return;
      }
      replies.onNext(
          message.getDiscard()
              ? EchoMessage.newBuilder().setNonce(message.getNonce()).build()
              : message);
      more();
    }

    @Override
    public synchronized void onError(Throwable failure) {
      ended = true;
    }

    @Override
    public synchronized void onCompleted() {
      ended = true;
      replies.onCompleted();
    }
  }
}
