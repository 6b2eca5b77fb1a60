package org.fusionc.runtime.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Speed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerProcessTest {
  @TempDir Path folder;

  /** What the process runs: as the command does, without its options. */
  public static void main(String[] arguments) throws InterruptedException {
    var options =
        new PeerOptions(
            PeerOptions.brokers(arguments[0]),
            "process",
            1 << 30,
            1,
            Path.of(arguments[1]),
            new Address("127.0.0.1", 0),
            null);
    System.exit(
        PeerProcess.run(
            options, Transport.plain(), System.out::println, () -> Runtime.getRuntime().halt(1)));
  }

  @Test
  void drainsOnSigtermAndEndsInOrder() throws Exception {
    Files.write(
        folder.resolve("speed-1"), Speed.newBuilder().setBandwidth(1e9).build().toByteArray());
    try (var broker = new OrderServer(BlobDirectory.open(folder.resolve("broker"), 1 << 20))) {
      var process =
          new ProcessBuilder(
                  List.of(
                      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                      "--enable-native-access=ALL-UNNAMED",
                      "--add-modules=jdk.incubator.vector",
                      "-cp",
                      System.getProperty("java.class.path"),
                      PeerProcessTest.class.getName(),
                      broker.address().toString(),
                      folder.toString()))
              .redirectErrorStream(true)
              .start();
      try {
        broker.awaitAny(PeerReport::hasJoin);
        // A SIGTERM, which leaves the pipe open.
        process.toHandle().destroy();
        broker.await(PeerReport::getDraining);
        broker.give(broker.orders().toBuilder().setLeave(true).build());
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var output = new String(process.getInputStream().readAllBytes());
        assertThat(process.exitValue()).as(output).isZero();
        assertThat(output)
            .contains("peer process: draining: SIGTERM")
            .contains("peer process: drained after")
            .contains("peer process: left");
      } finally {
        process.destroyForcibly();
      }
    }
  }
}
