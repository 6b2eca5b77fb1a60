package org.fusionc.runtime.stage;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.StageServiceGrpc;

/**
 * Offers a host's stages to coordinators and to other peers. A stream that is refused ends with
 * INVALID_ARGUMENT if the message is at fault, NOT_FOUND if the segment or run is not here,
 * RESOURCE_EXHAUSTED if there are no pages or too many runs, ABORTED if another stream took its
 * place, and UNAVAILABLE if the run or the peer has ended; the description says why.
 */
public final class StageServer extends StageServiceGrpc.StageServiceImplBase {
  private final StageHost host;

  public StageServer(StageHost host) {
    this.host = host;
  }

  @Override
  public StreamObserver<DriveRequest> drive(StreamObserver<DriveEvent> events) {
    return new DriveStream(host, (ServerCallStreamObserver<DriveEvent>) events);
  }

  @Override
  public StreamObserver<Activation> activate(StreamObserver<ActivateSummary> summary) {
    return new FrameStream(host, (ServerCallStreamObserver<ActivateSummary>) summary);
  }

  /** Tells all runs that this process is about to leave, and takes no new ones. */
  public void drain() {
    host.drain();
  }
}
