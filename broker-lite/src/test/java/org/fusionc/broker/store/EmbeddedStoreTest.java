package org.fusionc.broker.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedStoreTest extends StoreContract {
  @TempDir Path folder;

  @Override
  Store open() {
    return EmbeddedStore.open(folder.resolve("store"));
  }

  @Test
  void aSecondOneInTheSameFolderIsRefused() {
    assertThatThrownBy(() -> EmbeddedStore.open(folder.resolve("store")))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("another broker uses this data directory");
  }

  @Test
  void aRestartLosesNothingButLeases() {
    var other = folder.resolve("other");
    try (var store = EmbeddedStore.open(other)) {
      store.put("a", ByteString.copyFromUtf8("1"));
      var lease = store.lease(Duration.ofSeconds(60));
      store.transact(
          List.of(), List.of(new Change.Put("b", ByteString.copyFromUtf8("1"), lease.id())));
    }
    try (var store = EmbeddedStore.open(other)) {
      assertThat(store.range("")).extracting(Entry::key).containsExactly("a");
    }
  }

  /** By a program that makes a copy of it, say. */
  @Test
  void keysVanishAfterTheirLeaseThoughTheFileWasLocked() throws Exception {
    var other = folder.resolve("other");
    try (var store = EmbeddedStore.open(other)) {
      var lease = store.lease(Duration.ofSeconds(60));
      store.transact(
          List.of(), List.of(new Change.Put("a", ByteString.copyFromUtf8("1"), lease.id())));
      try (var connection =
              DriverManager.getConnection("jdbc:sqlite:" + other.resolve("state.db"));
          var statement = connection.createStatement()) {
        statement.execute("BEGIN IMMEDIATE");
        assertThatThrownBy(lease::close).isInstanceOf(DiagnosticException.class);
        statement.execute("ROLLBACK");
      }
      await(() -> store.get("a").isEmpty());
    }
  }

  @Test
  void aDamagedFileIsAMessage() throws Exception {
    var other = folder.resolve("other");
    try (var store = EmbeddedStore.open(other)) {
      for (int i = 0; i < 200; i++) {
        store.put("key" + i, ByteString.copyFrom(new byte[1000]));
      }
    }
    var file = other.resolve("state.db");
    var bytes = Files.readAllBytes(file);
    for (int at = 0; at < bytes.length; at += 64) {
      bytes[at] ^= 0x5a;
    }
    Files.write(file, bytes);
    assertThatThrownBy(() -> EmbeddedStore.open(other))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("state.db")
        .hasMessageContaining("cannot be read");
  }

  /** Writes 1, 2, 3 … and says each number after it was acknowledged. */
  public static void main(String[] arguments) {
    try (var store = EmbeddedStore.open(Path.of(arguments[0]))) {
      for (int i = 1; ; i++) {
        var value = ByteString.copyFromUtf8(Integer.toString(i));
        store.transact(
            List.of(), List.of(new Change.Put("one", value), new Change.Put("two", value)));
        System.out.println(i);
      }
    }
  }

  @Test
  void aProcessKilledAtAnyPointLosesNothingAcknowledged() throws Exception {
    var random = new Random(7);
    var other = folder.resolve("killed");
    for (int round = 0; round < 5; round++) {
      var process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  EmbeddedStoreTest.class.getName(),
                  other.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      int last = 0;
      try (BufferedReader lines = process.inputReader()) {
        int until = 5 + random.nextInt(60);
        for (String line; (line = lines.readLine()) != null; ) {
          last = Integer.parseInt(line);
          if (last == until) {
            // Unlike the process, its handle leaves the pipe open for what was said before.
            process.toHandle().destroyForcibly();
          }
        }
      }
      process.waitFor();
      assertThat(last).isPositive();
      try (var store = EmbeddedStore.open(other)) {
        int one = Integer.parseInt(store.get("one").orElseThrow().value().toStringUtf8());
        int two = Integer.parseInt(store.get("two").orElseThrow().value().toStringUtf8());
        assertThat(one).isEqualTo(two).isGreaterThanOrEqualTo(last);
      }
    }
  }
}
