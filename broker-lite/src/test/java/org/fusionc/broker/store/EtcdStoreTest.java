package org.fusionc.broker.store;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real etcd: the program of FUSIONC_ETCD, or the one on the PATH; skipped without one. */
class EtcdStoreTest extends StoreContract {
  @TempDir static Path folder;
  private static Process etcd;
  private static int port;

  @BeforeAll
  static void start() throws Exception {
    var program = program();
    Assumptions.assumeTrue(
        program.isPresent(), "there is no etcd on the PATH, and FUSIONC_ETCD names none");
    port = free();
    var client = "http://127.0.0.1:" + port;
    var peer = "http://127.0.0.1:" + free();
    etcd =
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
  }

  private static Optional<Path> program() {
    var named = System.getenv("FUSIONC_ETCD");
    if (named != null && !named.isEmpty()) {
      return Optional.of(Path.of(named));
    }
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .map(folder -> Path.of(folder, "etcd"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static int free() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @AfterAll
  static void stop() throws Exception {
    if (etcd != null) {
      etcd.destroyForcibly().waitFor();
    }
  }

  @Override
  Store open() throws Exception {
    for (int attempt = 0; ; attempt++) {
      try {
        var store = EtcdStore.open("etcd://127.0.0.1:" + port);
        store.range("t/").forEach(entry -> store.delete(entry.key()));
        return store;
      } catch (DiagnosticException starting) {
        if (attempt == 20) {
          throw starting;
        }
        Thread.sleep(200);
      }
    }
  }

  @Test
  void oneThatCannotBeReachedIsAMessage() throws Exception {
    int nobody = free();
    assertThatThrownBy(() -> EtcdStore.open("etcd://127.0.0.1:" + nobody))
        .isInstanceOfSatisfying(
            DiagnosticException.class,
            e ->
                org.assertj.core.api.Assertions.assertThat(e.failure()).isEqualTo(Failure.CLUSTER));
    assertThatThrownBy(() -> EtcdStore.open("redis://x")).hasMessageContaining("no store");
  }
}
