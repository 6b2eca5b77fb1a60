package org.fusionc.testsuite.chaos;

import java.io.File;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/**
 * An etcd that runs as a process of its own: the program of FUSIONC_ETCD, or the one on the PATH.
 */
final class Etcd implements AutoCloseable {
  private final Process process;
  private final int port;

  private Etcd(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** Starts one with its data and log in this folder; without the program the test is skipped. */
  static Etcd start(Path folder) throws IOException {
    var program = program();
    Assumptions.assumeTrue(
        program.isPresent(), "there is no etcd on the PATH, and FUSIONC_ETCD names none");
    int port = FreePort.choose();
    var client = "http://127.0.0.1:" + port;
    var peer = "http://127.0.0.1:" + FreePort.choose();
    var process =
        new ProcessBuilder(
                program.get().toString(),
                "--data-dir=" + folder.resolve("etcd"),
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster=default=" + peer)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("etcd.log").toFile())
            .start();
    var etcd = new Etcd(process, port);
    try {
      Talk.await("etcd listens", etcd::listens);
    } catch (AssertionError failure) {
      etcd.close();
      throw failure;
    }
    return etcd;
  }

  private static Optional<Path> program() {
    var named = System.getenv("FUSIONC_ETCD");
    if (named != null && !named.isEmpty()) {
      return Optional.of(Path.of(named));
    }
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .map(each -> Path.of(each, "etcd"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private boolean listens() {
    try (var socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (IOException notYet) {
      return false;
    }
  }

  /** As a broker's {@code --store} wants it. */
  String store() {
    return "etcd://127.0.0.1:" + port;
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
