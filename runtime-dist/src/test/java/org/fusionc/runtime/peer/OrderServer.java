package org.fusionc.runtime.peer;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BlobChunk;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatReply;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Segment;

/** What a peer sees of a broker: it takes reports, gives the orders that it is told, and blobs. */
final class OrderServer extends BrokerServiceGrpc.BrokerServiceImplBase implements AutoCloseable {
  private final BlobDirectory blobs;
  private final List<PeerReport> reports = new CopyOnWriteArrayList<>();
  private final List<StreamObserver<PeerOrders>> streams = new CopyOnWriteArrayList<>();
  private final List<String> given = new CopyOnWriteArrayList<>();
  private volatile PeerOrders orders =
      PeerOrders.newBuilder().setVersion(1).setLeaseSeconds(5).setReportSeconds(0.05).build();
  private final int port;
  private Server server;

  OrderServer(BlobDirectory blobs) throws IOException {
    this.blobs = blobs;
    server = serve(0);
    port = server.getPort();
  }

  private Server serve(int port) throws IOException {
    return Transport.plain()
        .server(new Address("127.0.0.1", port))
        .addService(this)
        .addService(new CountedBlobs())
        .build()
        .start();
  }

  /** Tells which blobs are asked for. */
  private final class CountedBlobs extends BlobServiceGrpc.BlobServiceImplBase {
    private final BlobServer inner = BlobServer.readOnly(blobs);

    @Override
    public void get(BlobRequest request, StreamObserver<BlobChunk> replies) {
      given.add(request.getDigest());
      inner.get(request, replies);
    }

    @Override
    public void stat(BlobStatRequest request, StreamObserver<BlobStatReply> replies) {
      inner.stat(request, replies);
    }
  }

  Address address() {
    return new Address("127.0.0.1", port);
  }

  /** The digests of the blobs that were asked for, in order. */
  List<String> given() {
    return given;
  }

  /** Ends all streams and stops listening. */
  void stop() throws InterruptedException {
    server.shutdownNow();
    server.awaitTermination(10, TimeUnit.SECONDS);
    streams.clear();
  }

  /** Listens again on the same port; whatever was reported before is forgotten. */
  void startAgain() throws IOException {
    reports.clear();
    server = serve(port);
  }

  void order(Segment... segments) {
    give(orders.toBuilder().clearSegments().addAllSegments(List.of(segments)).build());
  }

  /**
   * One at a time: a stream takes one message at a time, and must not miss an order as it joins.
   */
  synchronized void give(PeerOrders next) {
    orders = next.toBuilder().setVersion(orders.getVersion() + 1).build();
    for (var stream : streams) {
      stream.onNext(orders);
    }
  }

  PeerOrders orders() {
    return orders;
  }

  @Override
  public StreamObserver<PeerReport> attend(StreamObserver<PeerOrders> stream) {
    return new StreamObserver<>() {
      @Override
      public void onNext(PeerReport report) {
        if (report.hasJoin()) {
          synchronized (OrderServer.this) {
            stream.onNext(orders);
            streams.add(stream);
          }
        }
        synchronized (reports) {
          reports.add(report);
          reports.notifyAll();
        }
      }

      @Override
      public void onError(Throwable failure) {
        streams.remove(stream);
      }

      @Override
      public void onCompleted() {
        streams.remove(stream);
        stream.onCompleted();
      }
    };
  }

  /** Waits for a report that comes from now on. */
  PeerReport await(Predicate<PeerReport> wanted) throws InterruptedException {
    return await(reports.size(), wanted);
  }

  /** Waits for a report, or finds one that came before. */
  PeerReport awaitAny(Predicate<PeerReport> wanted) throws InterruptedException {
    return await(0, wanted);
  }

  private PeerReport await(int from, Predicate<PeerReport> wanted) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    synchronized (reports) {
      for (int next = from; ; ) {
        for (; next < reports.size(); next++) {
          if (wanted.test(reports.get(next))) {
            return reports.get(next);
          }
        }
        if (System.nanoTime() > end) {
          throw Status.DEADLINE_EXCEEDED
              .withDescription("no such report; the last: " + (next == 0 ? "" : reports.getLast()))
              .asRuntimeException();
        }
        reports.wait(1000);
      }
    }
  }

  @Override
  public void close() {
    try {
      stop();
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    }
  }
}
