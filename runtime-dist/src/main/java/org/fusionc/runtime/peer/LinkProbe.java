package org.fusionc.runtime.peer;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.proto.EchoMessage;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.fusionc.runtime.proto.LinkMeasure;
import org.jspecify.annotations.Nullable;

/** Measures the link to another process by its echo. */
public final class LinkProbe implements ClientResponseObserver<EchoMessage, EchoMessage> {
  private static final int ROUND_TRIPS = 20;
  private static final int CHUNK = 64 << 10;
  private static final int CHUNKS = 64;
  private static final int BURSTS = 4;
  private static final double LONGEST_SECONDS = 0.5;
  private static final long PATIENCE_SECONDS = 10;

  private final BlockingQueue<EchoMessage> answers = new LinkedBlockingQueue<>();
  private final Semaphore ready = new Semaphore(0);
  private volatile @Nullable Throwable failure;
  private volatile @Nullable ClientCallStreamObserver<EchoMessage> call;

  private LinkProbe() {}

  /**
   * Measures: the latency is half the median of 20 round trips; the bandwidth is the best of a few
   * bursts of 4 MiB, or of what goes through in half a second.
   *
   * @param to the other's name, for the result
   * @return with bandwidth 0 if it did not answer
   */
  public static LinkMeasure measure(String to, Channel channel) throws InterruptedException {
    var probe = new LinkProbe();
    var measure = LinkMeasure.newBuilder().setTo(to);
    try {
      var requests = EchoServiceGrpc.newStub(channel).echo(probe);
      double latency = probe.latency();
      double bandwidth = probe.bandwidth(latency);
      requests.onCompleted();
      return measure.setLatency(latency).setBandwidth(bandwidth).build();
    } catch (org.fusionc.ir.diagnostic.DiagnosticException unreachable) {
      return measure.build();
    } finally {
      var open = probe.call;
      if (open != null) {
        open.cancel("measured", null);
      }
    }
  }

  private double latency() throws InterruptedException {
    var seconds = new double[ROUND_TRIPS];
    // The first one may have to connect.
    roundTrip(0);
    for (int i = 0; i < ROUND_TRIPS; i++) {
      seconds[i] = roundTrip(i + 1);
    }
    Arrays.sort(seconds);
    return seconds[ROUND_TRIPS / 2] / 2;
  }

  private double roundTrip(int nonce) throws InterruptedException {
    long begin = System.nanoTime();
    send(EchoMessage.newBuilder().setNonce(nonce).build());
    await();
    return (System.nanoTime() - begin) / 1e9;
  }

  /** The best of a few bursts: whatever disturbs only makes them slower, and the first is cold. */
  private double bandwidth(double latency) throws InterruptedException {
    long end = System.nanoTime() + (long) (LONGEST_SECONDS * 1e9);
    double best = 0;
    for (int burst = 0; burst < BURSTS && (burst == 0 || System.nanoTime() < end); burst++) {
      best = Math.max(best, burst(latency, end));
    }
    return best;
  }

  private double burst(double latency, long end) throws InterruptedException {
    var data = ByteString.copyFrom(new byte[CHUNK]);
    long begin = System.nanoTime();
    int sent = 0;
    while (sent < CHUNKS && (sent == 0 || System.nanoTime() < end)) {
      awaitReady();
      send(EchoMessage.newBuilder().setNonce(sent++).setData(data).setDiscard(true).build());
    }
    for (int i = 0; i < sent; i++) {
      await();
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    return (double) sent * CHUNK / Math.max(seconds - 2 * latency, seconds / 2);
  }

  private void send(EchoMessage message) {
    var open = call;
    if (open == null || failure != null) {
      throw unreachable();
    }
    open.onNext(message);
  }

  private void awaitReady() throws InterruptedException {
    var open = call;
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (open != null && !open.isReady() && failure == null) {
      if (!ready.tryAcquire(until - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        throw unreachable();
      }
    }
  }

  private void await() throws InterruptedException {
    if (failure != null && answers.isEmpty()) {
      throw unreachable();
    }
    var answer = answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (answer == null || answer.getNonce() == END.getNonce()) {
      throw unreachable();
    }
  }

  private RuntimeException unreachable() {
    return Diagnostic.failed(Location.unknown(), "no echo: " + failure, "").exception();
  }

  private static final EchoMessage END = EchoMessage.newBuilder().setNonce(-1).build();

  @Override
  public void beforeStart(ClientCallStreamObserver<EchoMessage> requests) {
    call = requests;
    requests.setOnReadyHandler(ready::release);
  }

  @Override
  public void onNext(EchoMessage message) {
    answers.add(message);
  }

  @Override
  public void onError(Throwable thrown) {
    failure = thrown;
    answers.add(END);
    ready.release();
  }

  @Override
  public void onCompleted() {
    onError(new IllegalStateException("the other side ended"));
  }
}
