package org.fusionc.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.RunReportSummary;
import org.junit.jupiter.api.Test;

class RunReporterTest {
  private static final class Reports extends BrokerServiceGrpc.BrokerServiceImplBase {
    private final BlockingQueue<RunReport> heard = new LinkedBlockingQueue<>();

    @Override
    public StreamObserver<RunReport> reportRun(StreamObserver<RunReportSummary> replies) {
      return new StreamObserver<>() {
        @Override
        public void onNext(RunReport report) {
          heard.add(report);
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {
          replies.onCompleted();
        }
      };
    }
  }

  @Test
  void aReportThatCannotBeMadeIsNotTheLast() throws Exception {
    var reports = new Reports();
    var server =
        Transport.plain().server(new Address("127.0.0.1", 0)).addService(reports).build().start();
    var count = new AtomicInteger();
    try (var client = BrokerClient.of("127.0.0.1:" + server.getPort(), Transport.plain());
        var reporter =
            new RunReporter(
                client,
                () -> {
                  if (count.getAndIncrement() < 2) {
                    throw new IllegalStateException("nothing to say");
                  }
                  return RunReport.newBuilder().setRun("a run").build();
                })) {
      assertThat(reports.heard.poll(60, TimeUnit.SECONDS))
          .extracting(RunReport::getRun)
          .isEqualTo("a run");
      assertThat(reporter).isNotNull();
    } finally {
      server.shutdownNow();
    }
  }
}
