package org.fusionc.runtime.cluster;

import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.RunReportSummary;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the broker every second how a run fares. What a broker misses is not told again. */
final class RunReporter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunReporter.class);
  private static final long INTERVAL = 1000;

  private final BrokerClient client;
  private final Supplier<RunReport> report;
  private final Thread thread;
  private @Nullable StreamObserver<RunReport> stream;
  private boolean broken;
  private boolean closed;
  private String lastFailure = "";

  RunReporter(BrokerClient client, Supplier<RunReport> report) {
    this.client = client;
    this.report = report;
    thread = Thread.ofVirtual().name("run-reports").start(this::serve);
  }

  private void serve() {
    while (true) {
      try {
        tell();
      } catch (RuntimeException | Error failure) {
        failed(failure);
      }
      try {
        Thread.sleep(INTERVAL);
      } catch (InterruptedException ended) {
        return;
      }
    }
  }

  private synchronized void tell() {
    if (closed) {
      return;
    }
    if (stream == null || broken) {
      broken = false;
      var replies =
          new StreamObserver<RunReportSummary>() {
            @Override
            public void onNext(RunReportSummary summary) {}

            @Override
            public void onError(Throwable failure) {
              ended();
            }

            @Override
            public void onCompleted() {
              ended();
            }
          };
      stream = BrokerServiceGrpc.newStub(client.channel()).reportRun(replies);
    }
    stream.onNext(report.get());
  }

  /** The next report begins a new stream. */
  private synchronized void failed(Throwable failure) {
    broken = true;
    // A client that is closed, or a defect; what is the same each second is said once.
    var text = failure.toString();
    if (!text.equals(lastFailure)) {
      lastFailure = text;
      LOG.error("a run's report could not be sent; the next one is tried", failure);
    }
  }

  private synchronized void ended() {
    broken = true;
  }

  @Override
  public void close() {
    thread.interrupt();
    synchronized (this) {
      if (!closed && stream != null && !broken) {
        stream.onNext(report.get());
        stream.onCompleted();
      }
      closed = true;
    }
  }
}
