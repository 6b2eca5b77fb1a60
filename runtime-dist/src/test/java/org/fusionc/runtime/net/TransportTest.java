package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TransportTest {
  private static final List<String> LOCAL = List.of("127.0.0.1", "localhost");

  @TempDir Path scratch;

  private Path issue(Authority authority, String name, Role role) {
    Path out = scratch.resolve(name);
    authority.issue(name, role, role.listens() ? LOCAL : List.of(), Duration.ofDays(1), out, false);
    return out;
  }

  private static Status status(Throwable failure) {
    Throwable cause = failure instanceof ExecutionException e ? e.getCause() : failure;
    return ((StatusRuntimeException) cause).getStatus();
  }

  private static Transport withToken(String token) {
    return Transport.of(new Transport.Options(null, token));
  }

  @Test
  void plainServersStayOnLoopback() {
    assertThatThrownBy(() -> Transport.plain().server(Address.parse("0.0.0.0:0")))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("loopback")
        .hasMessageContaining("--tls");
  }

  @Test
  void plainOnLoopbackNeedsNothing() throws Exception {
    try (var server = new TestServer(Transport.plain(), null)) {
      assertThat(TestServer.call(Transport.plain(), server.address()).getNonce()).isEqualTo(42);
      assertThat(TestServer.call(withToken("whatever"), server.address()).getNonce()).isEqualTo(42);
    }
  }

  @Test
  void tlsOnBothSides() throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    var broker = Transport.tls(issue(authority, "broker", Role.BROKER));
    var peer = Transport.tls(issue(authority, "peer", Role.PEER));
    var client = Transport.tls(issue(authority, "client", Role.CLIENT));
    try (var server = new TestServer(broker, null)) {
      assertThat(TestServer.call(peer, server.address()).getNonce()).isEqualTo(42);
      assertThat(TestServer.call(client, server.address()).getNonce()).isEqualTo(42);
      assertThat(TestServer.call(broker, server.address()).getNonce()).isEqualTo(42);
      assertThatThrownBy(() -> TestServer.call(Transport.plain(), server.address()))
          .isInstanceOf(ExecutionException.class);
    }
  }

  @Test
  void strangersAreRefused() throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    var broker = Transport.tls(issue(authority, "broker", Role.BROKER));
    var client = Transport.tls(issue(authority, "client", Role.CLIENT));
    var other = Authority.init(scratch.resolve("other-ca"));
    var stranger = Transport.tls(issue(other, "stranger", Role.ADMIN));
    var pretender = Transport.tls(issue(other, "pretender", Role.BROKER));
    try (var server = new TestServer(broker, null);
        var false1 = new TestServer(pretender, null);
        var false2 = new TestServer(client, null)) {
      assertThatThrownBy(() -> TestServer.call(stranger, server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
      assertThatThrownBy(() -> TestServer.call(client, false1.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
      // A client's certificate is not good for a server.
      assertThatThrownBy(() -> TestServer.call(client, false2.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }
  }

  @Test
  void theHostIsChecked() throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    Path elsewhere = scratch.resolve("elsewhere");
    authority.issue(
        "elsewhere", Role.PEER, List.of("10.1.2.3"), Duration.ofDays(1), elsewhere, false);
    var client = Transport.tls(issue(authority, "client", Role.CLIENT));
    try (var server = new TestServer(Transport.tls(elsewhere), null)) {
      assertThatThrownBy(() -> TestServer.call(client, server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }
  }

  @Test
  void certificatesAreTakenUpWhenRenewed() throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    Path directory = issue(authority, "broker", Role.BROKER);
    var client = Transport.tls(issue(authority, "client", Role.CLIENT));
    try (var server = new TestServer(Transport.tls(directory), null)) {
      assertThat(TestServer.call(client, server.address()).getNonce()).isEqualTo(42);
      authority.issue(
          "broker", Role.BROKER, List.of("10.1.2.3"), Duration.ofDays(1), directory, true);
      assertThatThrownBy(() -> TestServer.call(client, server.address()))
          .isInstanceOf(ExecutionException.class);
      authority.issue("broker", Role.BROKER, LOCAL, Duration.ofDays(1), directory, true);
      assertThat(TestServer.call(client, server.address()).getNonce()).isEqualTo(42);
    }
  }

  @Test
  void tokensAreAskedFor() throws Exception {
    Path file = scratch.resolve("tokens");
    Instant soon = Instant.now().plusSeconds(3600);
    String good = TokenFile.create(file, Role.CLIENT, "good", soon);
    String late = TokenFile.create(file, Role.CLIENT, "late", Instant.now().plusMillis(1));
    try (var server = new TestServer(Transport.plain(), Tokens.of(file))) {
      assertThat(TestServer.call(withToken(good), server.address()).getNonce()).isEqualTo(42);
      assertThatThrownBy(() -> TestServer.call(Transport.plain(), server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED))
          .hasMessageContaining("--token-file");
      assertThatThrownBy(() -> TestServer.call(withToken(late), server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED))
          .hasMessageContaining("expired");
      assertThatThrownBy(() -> TestServer.call(withToken("garbage"), server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED));
      // The file is read again when it changes.
      TokenFile.revoke(file, "good");
      assertThatThrownBy(() -> TestServer.call(withToken(good), server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED))
          .hasMessageContaining("not known");
      String next = TokenFile.create(file, Role.PEER, "next", soon);
      assertThat(TestServer.call(withToken(next), server.address()).getNonce()).isEqualTo(42);
      Files.writeString(file, "broken\n");
      assertThatThrownBy(() -> TestServer.call(withToken(next), server.address()))
          .satisfies(e -> assertThat(status(e).getCode()).isEqualTo(Status.Code.UNAUTHENTICATED));
    }
  }

  @Test
  void keysAreTheOwnersAlone() throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    Path directory = issue(authority, "broker", Role.BROKER);
    TokenFile.create(scratch.resolve("tokens"), Role.PEER, "p", Instant.now().plusSeconds(9));
    for (Path secret :
        List.of(
            scratch.resolve("ca/ca-key.pem"),
            directory.resolve("key.pem"),
            scratch.resolve("tokens"))) {
      assertThat(Files.getPosixFilePermissions(secret)).as("%s", secret).hasSize(2);
    }
    assertThatThrownBy(() -> Authority.init(scratch.resolve("ca")))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("already");
    assertThatThrownBy(() -> issue(authority, "broker", Role.BROKER))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("--renew");
  }

  @Test
  void aKeyThatEverybodyMayReadIsRefused() throws Exception {
    Path directory = issue(Authority.init(scratch.resolve("ca")), "peer", Role.PEER);
    Path key = directory.resolve("key.pem");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
    assertThatCode(() -> new Credentials(directory)).doesNotThrowAnyException();
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(() -> new Credentials(directory))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("everybody");
  }

  /** Connections that dribble, or say nothing, while others are served. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void connectionsThatNeverCallAreClosed(boolean tls) throws Exception {
    var authority = Authority.init(scratch.resolve("ca"));
    var transport =
        tls ? Transport.tls(issue(authority, "broker", Role.BROKER)) : Transport.plain();
    var limits =
        new Limits(
            100, 100, 10, 5, Duration.ofSeconds(1), Duration.ofMinutes(1), 10, 8192, 1 << 20, 100);
    byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);
    try (var server = new TestServer(transport, null, limits);
        var silent = new Socket("127.0.0.1", server.address().port());
        var slow = new Socket("127.0.0.1", server.address().port());
        var idle = new Socket("127.0.0.1", server.address().port())) {
      idle.getOutputStream().write(preface);
      idle.getOutputStream().write(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0});
      for (var socket : List.of(silent, slow, idle)) {
        socket.setSoTimeout(20_000);
      }
      var dribble =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  for (byte b : preface) {
                    slow.getOutputStream().write(b);
                    Thread.sleep(200);
                  }
                } catch (IOException | InterruptedException e) {
                  // Closed, as it should be.
                }
              });
      assertThat(TestServer.call(transport, server.address()).getNonce()).isEqualTo(42);
      for (var socket : List.of(silent, slow, idle)) {
        awaitEnd(socket);
      }
      dribble.join();
      // The oldest of too many make room for new ones.
      for (int i = 0; i < 20; i++) {
        new Socket("127.0.0.1", server.address().port()).setSoTimeout(1);
      }
      assertThat(TestServer.call(transport, server.address()).getNonce()).isEqualTo(42);
    }
  }

  private static void awaitEnd(Socket socket) throws IOException {
    try {
      while (socket.getInputStream().read() >= 0) {
        // What it says before it closes.
      }
    } catch (SocketException e) {
      // Reset: closed as well.
    }
  }

  @Test
  void connectionsAreCounted() throws Exception {
    var limits =
        new Limits(
            100, 3, 10, 5, Duration.ofSeconds(5), Duration.ofMinutes(1), 10, 8192, 1 << 20, 100);
    try (var server = new TestServer(Transport.plain(), null, limits)) {
      var sockets = new ArrayList<Socket>();
      for (int i = 0; i < 3; i++) {
        sockets.add(new Socket("127.0.0.1", server.address().port()));
      }
      try (var one = new Socket("127.0.0.1", server.address().port())) {
        awaitEnd(one);
      }
      for (var socket : sockets) {
        socket.close();
      }
      // Room again, as soon as the server has seen the ends.
      for (int attempt = 0; ; attempt++) {
        try {
          assertThat(TestServer.call(Transport.plain(), server.address()).getNonce()).isEqualTo(42);
          break;
        } catch (ExecutionException e) {
          assertThat(attempt).isLessThan(100);
          Thread.sleep(20);
        }
      }
    }
  }
}
