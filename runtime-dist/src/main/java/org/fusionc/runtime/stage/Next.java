package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Downstream;
import org.fusionc.runtime.proto.Fault;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The stream of frames from a run's stage to the peer of the next one, for one epoch. It has a
 * connection of its own: one that failed in an earlier epoch keeps nobody waiting.
 */
final class Next {
  /** How the peer says that it does not take what it was sent; anything else is a loss. */
  private static final Set<Status.Code> REFUSALS =
      Set.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.RESOURCE_EXHAUSTED,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNAUTHENTICATED,
          Status.Code.ABORTED);

  private static final Logger LOG = LoggerFactory.getLogger(Next.class);
  private static final int MAX_MESSAGES = 16;
  private static final long MAX_BYTES = 64L << 20;

  private final ManagedChannel channel;
  private final Address address;
  private final Activation header;
  private final BiConsumer<Fault.Kind, String> failed;
  private final Outlet<Activation> outlet;
  private final ClientCallStreamObserver<Activation> call;
  private volatile boolean closed;
  private long number;

  /**
   * @param header what the first message says of the run
   * @param drained told when frames can be taken again
   * @param failed told once if the stream ends before {@link #close}
   */
  Next(
      Transport transport,
      Address address,
      Activation header,
      Runnable drained,
      BiConsumer<Fault.Kind, String> failed) {
    this.address = address;
    this.header = header;
    this.failed = failed;
    channel = transport.channel(address);
    var responses = new Responses();
    outlet = new Outlet<>(MAX_MESSAGES, MAX_BYTES, drained, responses::unmade);
    StageServiceGrpc.newStub(channel).activate(responses);
    call = responses.stream();
    outlet.start(call, "to " + address);
  }

  boolean isFull() {
    return outlet.isFull();
  }

  /** Sends a frame after all that came before; it is numbered when its turn comes. */
  void send(Activation frame) {
    outlet.add(new Numbered(List.of(frame).iterator()), frame.getSerializedSize());
  }

  void sendAll(Iterator<Activation> frames) {
    outlet.addAll(new Numbered(frames), 0);
  }

  void close() {
    closed = true;
    outlet.close();
    call.cancel("the epoch has ended", null);
    channel.shutdownNow();
  }

  /** Used by whoever hands messages over: one at a time, as the outlet sees to. */
  private final class Numbered implements Iterator<Activation> {
    private final Iterator<Activation> frames;

    Numbered(Iterator<Activation> frames) {
      this.frames = frames;
    }

    @Override
    public boolean hasNext() {
      return frames.hasNext();
    }

    @Override
    public Activation next() {
      var frame = frames.next().toBuilder().setNumber(number);
      if (number++ == 0) {
        frame
            .setRun(header.getRun())
            .setPlanDigest(header.getPlanDigest())
            .setStage(header.getStage());
      }
      return frame.build();
    }
  }

  private final class Responses implements ClientResponseObserver<Activation, ActivateSummary> {
    private @Nullable ClientCallStreamObserver<Activation> stream;

    ClientCallStreamObserver<Activation> stream() {
      return Objects.requireNonNull(stream);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Activation> opened) {
      stream = opened;
      opened.setOnReadyHandler(outlet::ready);
    }

    @Override
    public void onNext(ActivateSummary summary) {}

    @Override
    public void onError(Throwable failure) {
      var status = Status.fromThrowable(failure);
      var text = status.getDescription() == null ? "" : ": " + status.getDescription();
      ended(
          REFUSALS.contains(status.getCode())
              ? Fault.Kind.DOWNSTREAM_REFUSED
              : Fault.Kind.DOWNSTREAM_LOST,
          "stage %d at %s: %s%s".formatted(header.getStage(), address, status.getCode(), text));
    }

    @Override
    public void onCompleted() {
      ended(
          Fault.Kind.DOWNSTREAM_LOST,
          "stage %d at %s has ended the stream".formatted(header.getStage(), address));
    }

    /** A frame could not be made; whoever waits for it would wait for ever. */
    private void unmade(Throwable defect) {
      LOG.error("a frame for stage {} at {} could not be made", header.getStage(), address, defect);
      ended(
          Fault.Kind.COMPUTE_FAILED,
          "a frame for stage %d could not be made: %s".formatted(header.getStage(), defect));
    }

    private void ended(Fault.Kind kind, String message) {
      if (!closed) {
        closed = true;
        outlet.close();
        channel.shutdownNow();
        failed.accept(kind, message);
      }
    }
  }

  static Activation header(String run, ByteString planDigest, int stage) {
    return Activation.newBuilder().setRun(run).setPlanDigest(planDigest).setStage(stage).build();
  }

  /**
   * Where a stage's next one is, as the coordinator says; empty for the last stage.
   *
   * @throws io.grpc.StatusRuntimeException if what it says does not fit the stage
   */
  static Optional<Address> address(Segment segment, boolean given, Downstream downstream) {
    if (given == segment.isLast()) {
      throw StageHost.invalid(
          given
              ? "stage %d is the last one, and has no downstream".formatted(segment.stage())
              : "stage %d is not the last one, and needs a downstream".formatted(segment.stage()));
    }
    if (!given) {
      return Optional.empty();
    }
    if (downstream.getStage() != segment.stage() + 1) {
      throw StageHost.invalid(
          "what comes after stage %d is stage %d, not %s"
              .formatted(
                  segment.stage(),
                  segment.stage() + 1,
                  Integer.toUnsignedString(downstream.getStage())));
    }
    try {
      return Optional.of(Address.parse(downstream.getAddress()));
    } catch (DiagnosticException malformed) {
      throw StageHost.invalid("the downstream's address: " + malformed.getMessage());
    }
  }
}
