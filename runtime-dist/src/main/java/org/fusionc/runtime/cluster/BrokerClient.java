package org.fusionc.runtime.cluster;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployProgress;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.DrainRequest;
import org.fusionc.runtime.proto.StatusRequest;
import org.fusionc.runtime.proto.UndeployRequest;
import org.jspecify.annotations.Nullable;

/**
 * A client of a broker, or of several that stand by for one another: it asks the one that leads.
 * Refusals are {@link DiagnosticException}s; a broker that cannot be reached, or was lost, is of
 * kind {@link Failure#CLUSTER}: it has been looked for during 12 s then, or during 1 s if there is
 * but one, and it has never answered. Safe for use by several threads.
 */
public final class BrokerClient implements AutoCloseable {
  private static final Metadata.Key<String> LEADER =
      Metadata.Key.of("fusionc-leader", Metadata.ASCII_STRING_MARSHALLER);

  /** For calls that are answered at once. */
  private static final Duration ANSWER = Duration.ofSeconds(15);

  /** How long to look for a broker that leads: an election takes a few seconds. */
  private static final Duration ELECTION = Duration.ofSeconds(12);

  /** How long to look for a single broker that has not been there yet: a typing error, mostly. */
  private static final Duration FIRST = Duration.ofSeconds(1);

  private static final Duration PAUSE = Duration.ofMillis(300);

  private final Transport transport;
  private final List<Address> brokers;
  private Address current;
  private @Nullable ManagedChannel channel;
  private boolean closed;

  /** Whether a broker has ever answered. */
  private volatile boolean reached;

  private BrokerClient(Transport transport, List<Address> brokers) {
    this.transport = transport;
    this.brokers = new ArrayList<>(brokers);
    current = brokers.getFirst();
  }

  /**
   * A client; connects when first used.
   *
   * @param addresses {@code HOST:PORT}, or several with commas between
   * @throws DiagnosticException if that is malformed
   */
  public static BrokerClient of(String addresses, Transport transport) {
    return new BrokerClient(
        transport, Arrays.stream(addresses.split(",", -1)).map(Address::parse).toList());
  }

  /**
   * The channel to the broker that was reached last; it changes when another one leads. One that
   * was refused a connection tries again now, and not when it would by itself, up to two minutes
   * later: whoever asks again has paused.
   */
  public synchronized ManagedChannel channel() {
    if (closed) {
      throw Diagnostic.failed(Location.named(current.toString()), "the client is closed", "")
          .exception();
    }
    if (channel == null) {
      channel = transport.channel(current);
    }
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      channel.resetConnectBackoff();
    }
    return channel;
  }

  /** The broker that was reached last. */
  public synchronized Address address() {
    return current;
  }

  private synchronized void turnTo(Address other) {
    if (!other.equals(current)) {
      current = other;
      if (channel != null) {
        channel.shutdown();
        channel = null;
      }
    }
  }

  /** The next one to try. */
  private synchronized Address next() {
    int at = brokers.indexOf(current);
    return brokers.get((at + 1) % brokers.size());
  }

  /** Makes a call at the broker that leads, looking for it if need be. */
  private <T> T ask(Function<BrokerServiceGrpc.BrokerServiceBlockingStub, T> call) {
    long start = System.nanoTime();
    while (true) {
      try {
        var answer = call.apply(BrokerServiceGrpc.newBlockingStub(channel()));
        reached = true;
        return answer;
      } catch (StatusRuntimeException failure) {
        if (!lookElsewhere(failure, start)) {
          throw diagnostic(failure, address());
        }
      }
    }
  }

  /** Whether another broker, or this one a bit later, may do what this one does not. */
  private boolean lookElsewhere(StatusRuntimeException failure, long start) {
    if (failure.getStatus().getCode() != Status.Code.UNAVAILABLE) {
      return false;
    }
    // It has answered if it is one that is being elected; what is no broker hangs up.
    boolean absent = !CallFailures.isAnswer(failure) && !reached && brokers.size() == 1;
    if (System.nanoTime() - start > (absent ? FIRST : ELECTION).toNanos()) {
      return false;
    }
    turn(failure);
    try {
      Thread.sleep(PAUSE);
      return true;
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** What a call's failure means to a person. */
  public static DiagnosticException diagnostic(StatusRuntimeException failure, Address broker) {
    return CallFailures.diagnostic(failure, broker);
  }

  public ClusterStatus status() {
    return ask(stub ->
        stub.withDeadlineAfter(ANSWER.toSeconds(), TimeUnit.SECONDS)
            .status(StatusRequest.getDefaultInstance()));
  }

  /**
   * Pushes the blobs of an artifact that the broker has not; what was cut off goes on where it
   * ended.
   *
   * @param artifact its folder
   * @return the digest of its manifest
   */
  public String put(Path artifact, Consumer<Double> progress) {
    status();
    return ArtifactPush.push(
        BlobServiceGrpc.newStub(channel()),
        artifact,
        (sent, of) -> progress.accept(of == 0 ? 1.0 : (double) sent / of),
        failure -> diagnostic(failure, address()));
  }

  /**
   * Deploys an artifact that has been pushed, and waits until it is ready.
   *
   * @throws DiagnosticException if no plan fits (infeasible), or something else is wrong
   */
  public DeploymentView deploy(DeployRequest request, Consumer<DeployProgress> progress) {
    return ask(stub -> {
      var replies = stub.deploy(request);
      while (replies.hasNext()) {
        var reply = replies.next();
        progress.accept(reply);
        if (reply.hasReady()) {
          return reply.getReady();
        }
      }
      throw Diagnostic.failed(
              Location.named("deployment " + request.getName()),
              "the broker ended before it was ready",
              "look at fusionc status")
          .exception();
    });
  }

  public void undeploy(String name) {
    var _ =
        ask(stub ->
            stub.withDeadlineAfter(ANSWER.toSeconds(), TimeUnit.SECONDS)
                .undeploy(UndeployRequest.newBuilder().setName(name).build()));
  }

  /** Has a peer hand over and leave; waits until it has. */
  public void drain(String peer, Consumer<String> progress) {
    var _ =
        ask(stub -> {
          stub.drain(DrainRequest.newBuilder().setPeer(peer).build())
              .forEachRemaining(reply -> progress.accept(reply.getMessage()));
          return true;
        });
  }

  /** The deployment of that name, if there is one. */
  public Optional<DeploymentView> deployment(String name) {
    return status().getDeploymentsList().stream().filter(d -> d.getName().equals(name)).findFirst();
  }

  /**
   * Hears of a deployment's changes, until the watch is closed. When the broker is gone the last
   * state stays, and the watch goes on as soon as a broker is there again.
   *
   * @param changed called on the watch's own thread
   * @param removed as well, when a broker knows no such deployment; perhaps more than once
   */
  public DeploymentWatch watch(
      String deployment, Consumer<DeploymentState> changed, Runnable removed) {
    return new DeploymentWatch(this, deployment, changed, removed);
  }

  /** The broker could not answer: the next one is asked, or the one that leads. */
  void turn(Throwable failure) {
    var trailers = Status.trailersFromThrowable(failure);
    var leader = trailers == null ? null : trailers.get(LEADER);
    turnTo(leader == null ? next() : Address.parse(leader));
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (channel != null) {
      channel.shutdownNow();
      channel = null;
    }
  }
}
