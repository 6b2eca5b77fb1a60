package org.fusionc.runtime.stage;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.wire.FrameRefused;
import org.jspecify.annotations.Nullable;

/** One stream of frames into a stage. The next frame is read once the run has room for it. */
final class FrameStream implements StreamObserver<Activation> {
  private final StageHost host;
  private final ServerCallStreamObserver<ActivateSummary> call;
  private @Nullable StageRun run;
  private long number;
  private boolean ended;

  FrameStream(StageHost host, ServerCallStreamObserver<ActivateSummary> call) {
    this.host = host;
    this.call = call;
    call.disableAutoRequest();
    call.setOnCancelHandler(this::detach);
    call.request(1);
  }

  @Override
  public void onNext(Activation frame) {
    synchronized (this) {
      // One may have been on its way when the stream was ended from here.
      if (ended) {
        return;
      }
    }
    try {
      var into = run;
      if (into == null) {
        into = host.run(frame);
        run = into;
      }
      if (into.take(frame, number++, this)) {
        call.request(1);
      }
    } catch (StatusRuntimeException refusal) {
      end(refusal.getStatus());
    } catch (FrameRefused refusal) {
      host.countRefused();
      end(Status.INVALID_ARGUMENT.withDescription(refusal.getMessage()));
    } catch (RuntimeException | Error failure) {
      host.defect("a stream of frames", run, failure);
      end(Status.INTERNAL.withDescription("the stage failed: " + failure));
    }
  }

  /** The run has room again. */
  void resume() {
    call.request(1);
  }

  private void detach() {
    var into = run;
    if (into != null) {
      into.detach(this);
    }
  }

  @Override
  public void onError(Throwable failure) {
    detach();
  }

  @Override
  public void onCompleted() {
    detach();
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
    }
    call.onNext(ActivateSummary.newBuilder().setFrames(number).build());
    call.onCompleted();
  }

  void end(Status status) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
    }
    try {
      call.onError(status.asRuntimeException());
    } catch (RuntimeException gone) {
      // It has ended already.
    }
    detach();
  }
}
