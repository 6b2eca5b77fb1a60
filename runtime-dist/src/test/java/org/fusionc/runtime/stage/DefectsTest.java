package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.grpc.Status;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Downstream;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Fault;
import org.fusionc.runtime.proto.Open;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What should never happen is said where it happens, and to whoever waits. */
class DefectsTest {
  /** Memory that breaks. */
  private static final class Broken implements RunMemory {
    @Override
    public void hold(Object owner, long bytes, String figures) {
      throw new IllegalStateException("the books do not balance");
    }

    @Override
    public void free(Object owner) {}
  }

  @Test
  void anInternalFailureIsLoggedWithItsTrace() throws Exception {
    var log = (Logger) LoggerFactory.getLogger(StageHost.class);
    var lines = new ListAppender<ILoggingEvent>();
    lines.start();
    log.addAppender(lines);
    var options = StageHost.Options.defaults();
    try (var stages =
        new TestStages(2, "f32", 16, options, Compiler.backend("cpu"), new Broken())) {
      var drive = new TestRun.Drive(stages, stages.peers.getFirst());
      drive.requests.onNext(
          DriveRequest.newBuilder()
              .setOpen(
                  Open.newBuilder()
                      .setDeployment(TestStages.DEPLOYMENT)
                      .setPlanDigest(stages.planDigest())
                      .setRun("a run")
                      .setEpoch(1)
                      .setDownstream(
                          Downstream.newBuilder()
                              .setStage(1)
                              .setAddress(stages.peers.getLast().address().toString()))
                      .setPages(4))
              .build());
      var status = drive.status();
      assertThat(status.getCode()).isEqualTo(Status.Code.INTERNAL);
      assertThat(status.getDescription()).contains("the books do not balance");
    } finally {
      log.detachAppender(lines);
    }
    assertThat(Stream.of(lines.list.toArray(ILoggingEvent[]::new)))
        .anySatisfy(line -> {
          assertThat(line.getFormattedMessage()).contains("the books do not balance");
          assertThat(line.getThrowableProxy().getStackTraceElementProxyArray()).isNotEmpty();
        });
  }

  @Test
  void aFrameThatCannotBeMadeIsAFault() throws Exception {
    try (var stages = new TestStages(2, "f32", 16, StageHost.Options.defaults())) {
      var failed = new CompletableFuture<String>();
      var header = Next.header("a run", stages.planDigest(), 1);
      var next =
          new Next(
              Transport.plain(),
              stages.peers.getLast().address(),
              header,
              () -> {},
              (kind, message) -> failed.complete(kind + ": " + message));
      next.sendAll(
          new Iterator<Activation>() {
            @Override
            public boolean hasNext() {
              return true;
            }

            @Override
            public Activation next() {
              throw new IllegalStateException("its rows are not there");
            }
          });
      assertThat(failed.get(60, TimeUnit.SECONDS))
          .startsWith(Fault.Kind.COMPUTE_FAILED.toString())
          .contains("stage 1", "its rows are not there");
      next.close();
    }
  }
}
