package org.fusionc.runtime.stage;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.wire.FrameRefused;
import org.jspecify.annotations.Nullable;

/** One coordinator's stream to one stage: what it asks for, and the events that go back. */
final class DriveStream implements StreamObserver<DriveRequest> {
  private static final int MAX_MESSAGES = 256;
  private static final long MAX_BYTES = 64L << 20;

  private final StageHost host;
  private final ServerCallStreamObserver<DriveEvent> call;
  private final Outlet<DriveEvent> outlet;
  private boolean withheld;
  private boolean ended;
  private volatile @Nullable StageRun run;

  DriveStream(StageHost host, ServerCallStreamObserver<DriveEvent> call) {
    this.host = host;
    this.call = call;
    outlet = new Outlet<>(MAX_MESSAGES, MAX_BYTES, this::drained, this::unmade);
    call.disableAutoRequest();
    call.setOnReadyHandler(outlet::ready);
    call.setOnCancelHandler(() -> lost("the stream has broken"));
    outlet.start(call, "drive");
    call.request(1);
  }

  /** An event for the coordinator; dropped if it is gone. */
  void send(DriveEvent event) {
    outlet.add(event);
  }

  boolean isFull() {
    return outlet.isFull();
  }

  private void unmade(Throwable defect) {
    host.defect("a stream of control", run, defect);
    end(Status.INTERNAL.withDescription("an event could not be made: " + defect));
  }

  private void drained() {
    var driven = run;
    if (driven != null) {
      host.schedule(driven);
    }
    synchronized (this) {
      if (withheld) {
        withheld = false;
        call.request(1);
      }
    }
  }

  @Override
  public void onNext(DriveRequest request) {
    synchronized (this) {
      // One may have been on its way when the stream was ended from here.
      if (ended) {
        return;
      }
    }
    try {
      handle(request);
    } catch (StatusRuntimeException refusal) {
      end(refusal.getStatus());
    } catch (FrameRefused refusal) {
      end(Status.INVALID_ARGUMENT.withDescription(refusal.getMessage()));
    } catch (RuntimeException | Error failure) {
      host.defect("a stream of control", run, failure);
      end(Status.INTERNAL.withDescription("the stage failed: " + failure));
    }
    synchronized (this) {
      // Whoever asks without reading the answers is not listened to until it does.
      if (outlet.isFull()) {
        withheld = true;
      } else if (!ended) {
        call.request(1);
      }
    }
  }

  private void handle(DriveRequest request) {
    var driven = run;
    if (request.hasOpen()) {
      if (driven != null) {
        throw StageHost.invalid("the stream has been opened already");
      }
      run = host.open(request.getOpen(), this);
      return;
    }
    if (driven == null) {
      throw StageHost.invalid("the first message must be Open");
    }
    switch (request.getRequestCase()) {
      case REROUTE -> driven.reroute(request.getReroute(), this);
      case REPLAY -> driven.replay(request.getReplay(), this);
      case FORGET -> driven.forget(request.getForget().getSessionsList(), this);
      case PING ->
          send(DriveEvent.newBuilder().setPong(driven.pong(request.getPing().getNonce())).build());
      default -> throw StageHost.invalid("the message holds no known request");
    }
  }

  @Override
  public void onError(Throwable failure) {
    lost(String.valueOf(failure.getMessage()));
  }

  private void lost(String reason) {
    outlet.close();
    synchronized (this) {
      ended = true;
    }
    var driven = run;
    if (driven != null) {
      driven.abandoned(this, reason);
    }
  }

  /** The coordinator is done with the run. */
  @Override
  public void onCompleted() {
    var driven = run;
    if (driven != null) {
      driven.completed(this);
    }
    end(Status.OK);
  }

  /** Ends the stream from this side; the run is kept as if the stream had broken. */
  void end(Status status) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
    }
    outlet.close();
    outlet.exclusively(() -> finish(status));
    var driven = run;
    if (driven != null && !status.isOk()) {
      driven.abandoned(this, String.valueOf(status.getDescription()));
    }
  }

  private void finish(Status status) {
    try {
      if (status.isOk()) {
        call.onCompleted();
      } else {
        call.onError(status.asRuntimeException());
      }
    } catch (RuntimeException gone) {
      // It has ended already.
    }
  }
}
