package org.fusionc.runtime.cluster;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.function.Consumer;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.StageServiceGrpc;

/** The frames of one epoch, to the first stage. */
final class FrameStream {
  private final ClientCallStreamObserver<Activation> frames;
  private final String run;
  private final ByteString planDigest;
  private final long epoch;
  private long count;
  private boolean closed;

  FrameStream(
      StageLink first, String run, ByteString planDigest, long epoch, Consumer<Event> events) {
    this.run = run;
    this.planDigest = planDigest;
    this.epoch = epoch;
    var stub = StageServiceGrpc.newStub(first.channel()).withExecutor(Runnable::run);
    frames =
        (ClientCallStreamObserver<Activation>)
            stub.activate(
                new StreamObserver<ActivateSummary>() {
                  @Override
                  public void onNext(ActivateSummary summary) {}

                  @Override
                  public void onError(Throwable failure) {
                    var status = Status.fromThrowable(failure);
                    events.accept(new Event.FramesEnded(FrameStream.this, status));
                  }

                  @Override
                  public void onCompleted() {
                    var status = Status.UNAVAILABLE.withDescription("the peer ended the stream");
                    events.accept(new Event.FramesEnded(FrameStream.this, status));
                  }
                });
  }

  /** Sends a frame; the epoch, its number in the stream and the like are filled in. */
  void send(Activation frame) {
    var message = frame.toBuilder().setEpoch(epoch).setNumber(count);
    if (count == 0) {
      message.setRun(run).setPlanDigest(planDigest).setStage(0);
    }
    count++;
    frames.onNext(message.build());
  }

  boolean isClosed() {
    return closed;
  }

  /** Ends the stream; what has not been sent yet is of no use. */
  void close() {
    if (!closed) {
      closed = true;
      frames.cancel("a new epoch begins", null);
    }
  }
}
