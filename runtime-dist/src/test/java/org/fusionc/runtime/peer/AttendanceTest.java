package org.fusionc.runtime.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttendanceTest {
  /** Hears why it is alone. */
  private static final class Alone implements Attendance.Member {
    private final CompletableFuture<String> why = new CompletableFuture<>();

    @Override
    public PeerReport.Builder report(boolean first) {
      return PeerReport.newBuilder();
    }

    @Override
    public void reported(PeerReport report) {}

    @Override
    public void ordered(PeerOrders orders) {}

    @Override
    public void joined(Address broker) {}

    @Override
    public void alone(Address broker, String reason) {
      why.complete(reason);
    }
  }

  private static void hangUp(ServerSocket server) {
    try {
      while (true) {
        server.accept().close();
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  @Test
  void whoHangsUpMayWantTls() throws Exception {
    try (var server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> hangUp(server));
      assertThat(reason(server.getLocalPort())).contains("--tls DIR");
    }
  }

  @Test
  void whoIsNotThereDoesNot() throws Exception {
    // Nobody listens on the first port.
    assertThat(reason(1)).contains("refused").doesNotContain("--tls");
  }

  /** What a member hears that looks for its broker there. */
  private static String reason(int port) throws Exception {
    var member = new Alone();
    var channel = Transport.plain().channel(new Address("127.0.0.1", port));
    var attendance =
        new Attendance(List.of(new Address("127.0.0.1", port)), address -> channel, member);
    attendance.start();
    try {
      return member.why.get(60, TimeUnit.SECONDS);
    } finally {
      attendance.leave();
      channel.shutdownNow();
    }
  }

  /** Fails at first with whatever it is asked for. */
  private static final class Failing implements Attendance.Member {
    private final CompletableFuture<PeerOrders> taken = new CompletableFuture<>();
    private final AtomicInteger reports = new AtomicInteger();
    private final AtomicInteger orders = new AtomicInteger();

    @Override
    public PeerReport.Builder report(boolean first) {
      if (reports.getAndIncrement() == 0) {
        throw new IllegalStateException("nothing to report");
      }
      return PeerReport.newBuilder().setJoin(Join.newBuilder().setName("p"));
    }

    @Override
    public void reported(PeerReport report) {}

    @Override
    public void ordered(PeerOrders given) {
      if (orders.getAndIncrement() == 0) {
        throw new IllegalStateException("no such orders");
      }
      taken.complete(given);
    }

    @Override
    public void joined(Address broker) {}

    @Override
    public void alone(Address broker, String reason) {}
  }

  @Test
  void aDefectDoesNotEndTheMembership(@TempDir Path folder) throws Exception {
    var member = new Failing();
    try (var broker = new OrderServer(BlobDirectory.open(folder, 1 << 20))) {
      var channel = Transport.plain().channel(broker.address());
      var attendance = new Attendance(List.of(broker.address()), address -> channel, member);
      attendance.start();
      try {
        assertThat(member.taken.get(60, TimeUnit.SECONDS).getVersion()).isEqualTo(1);
        assertThat(member.orders.get()).isGreaterThan(1);
      } finally {
        attendance.leave();
        channel.shutdownNow();
      }
    }
  }
}
