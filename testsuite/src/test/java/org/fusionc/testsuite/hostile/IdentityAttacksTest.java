package org.fusionc.testsuite.hostile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.AbstractBlockingStub;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Authority;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.TokenFile;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatReply;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DrainRequest;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.StatusRequest;
import org.fusionc.runtime.proto.UndeployRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever is not who they should be, at the ports of a broker and of a peer that use TLS. */
class IdentityAttacksTest extends Attacks {
  private static final List<String> LOCAL = List.of("127.0.0.1", "localhost");

  @TempDir private static Path scratch;
  private static Authority authority;
  private static VictimProcess victim;
  private static Path tokens;

  @BeforeAll
  static void startVictim() throws IOException {
    authority = Authority.init(scratch.resolve("ca"));
    tokens = scratch.resolve("tokens");
    TokenFile.create(tokens, Role.PEER, "first", Instant.now().plusSeconds(3600));
    Path broker = scratch.resolve("broker");
    authority.issue("broker", Role.BROKER, LOCAL, Duration.ofDays(1), broker, false);
    victim = new VictimProcess(scratch.resolve("data"), broker, tokens);
  }

  @AfterAll
  static void endVictim() {
    victim.close();
  }

  @Override
  VictimProcess victim() {
    return victim;
  }

  @Override
  Transport friend() {
    return as(Role.CLIENT);
  }

  private static Transport as(Role role) {
    return issue(authority, role, Duration.ofDays(1));
  }

  private static Transport issue(Authority by, Role role, Duration life) {
    Path out = scratch.resolve("as-" + role + "-" + System.nanoTime());
    by.issue(role.word(), role, role.listens() ? LOCAL : List.of(), life, out, false);
    return Transport.tls(out);
  }

  private static void assertRefused(Status.Code code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .satisfies(e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(code));
  }

  /** Makes a call on a channel of its own. */
  private static <S extends AbstractBlockingStub<S>, R> R call(
      Transport transport, Address address, Function<Channel, S> stub, Function<S, R> call) {
    var channel = transport.channel(address);
    try {
      return call.apply(stub.apply(channel).withDeadlineAfter(30, TimeUnit.SECONDS));
    } finally {
      channel.shutdownNow();
    }
  }

  private static <R> R broker(
      Transport transport, Function<BrokerServiceGrpc.BrokerServiceBlockingStub, R> call) {
    return call(transport, victim.broker(), BrokerServiceGrpc::newBlockingStub, call);
  }

  @Test
  void plainToTheTlsPort() {
    assertRefused(
        Status.Code.UNAVAILABLE,
        () -> broker(Transport.plain(), b -> b.status(StatusRequest.getDefaultInstance())));
    victim.await("TLS handshake");
  }

  @Test
  void rawBytesToTheTlsPort() throws IOException {
    for (Address port : List.of(victim.broker(), victim.peer())) {
      try (var connection = new RawConnection(port)) {
        connection.send(RawConnection.PREFACE);
        connection.awaitEnd();
      }
    }
    victim.await("TLS handshake");
  }

  @Test
  void anotherClustersCertificate() {
    var other = Authority.init(scratch.resolve("other-ca"));
    var stranger = issue(other, Role.ADMIN, Duration.ofDays(1));
    assertRefused(
        Status.Code.UNAVAILABLE,
        () -> broker(stranger, b -> b.status(StatusRequest.getDefaultInstance())));
  }

  @Test
  void anExpiredCertificate() throws InterruptedException {
    var shortly = issue(authority, Role.ADMIN, Duration.ofSeconds(1));
    Thread.sleep(1100);
    assertRefused(
        Status.Code.UNAVAILABLE,
        () -> broker(shortly, b -> b.status(StatusRequest.getDefaultInstance())));
    victim.await("TLS handshake");
  }

  @Test
  void aCertificateThatExpiresWhileConnected() throws InterruptedException {
    var shortly = issue(authority, Role.ADMIN, Duration.ofSeconds(3));
    var channel = shortly.channel(victim.broker());
    try {
      var stub = BrokerServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
      assertThat(stub.status(StatusRequest.getDefaultInstance())).isNotNull();
      Thread.sleep(3100);
      assertRefused(
          Status.Code.UNAUTHENTICATED, () -> stub.status(StatusRequest.getDefaultInstance()));
      victim.await("expired");
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void aPeerThatWouldDeploy() {
    var peer = as(Role.PEER);
    assertRefused(
        Status.Code.PERMISSION_DENIED,
        () -> broker(peer, b -> drainOf(b.deploy(DeployRequest.getDefaultInstance()))));
    assertRefused(
        Status.Code.PERMISSION_DENIED,
        () -> broker(peer, b -> b.status(StatusRequest.getDefaultInstance())));
    victim.await("may not call");
  }

  @Test
  void aClientThatWouldAdminister() {
    var client = as(Role.CLIENT);
    assertRefused(
        Status.Code.PERMISSION_DENIED,
        () -> broker(client, b -> b.undeploy(UndeployRequest.getDefaultInstance())));
    assertRefused(
        Status.Code.PERMISSION_DENIED,
        () -> broker(client, b -> drainOf(b.drain(DrainRequest.getDefaultInstance()))));
    ClusterStatus answer = broker(client, b -> b.status(StatusRequest.getDefaultInstance()));
    assertThat(answer.getBroker()).isNotEmpty();
  }

  @Test
  void aClientThatWouldJoin() throws Exception {
    var channel = as(Role.CLIENT).channel(victim.broker());
    try {
      var end = new StreamEnd<PeerOrders>();
      BrokerServiceGrpc.newStub(channel).attend(end);
      assertThat(end.status().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void badTokensEvenWithACertificate() {
    Path file = tokens;
    String revoked = TokenFile.create(file, Role.ADMIN, "revoked", Instant.now().plusSeconds(600));
    TokenFile.revoke(file, "revoked");
    String expired = TokenFile.create(file, Role.ADMIN, "expired", Instant.now().plusMillis(1));
    Path directory = scratch.resolve("token-client");
    authority.issue("client", Role.CLIENT, List.of(), Duration.ofDays(1), directory, false);
    for (String token : List.of(revoked, expired, "garbage", "x".repeat(5000))) {
      var transport = Transport.of(new Transport.Options(directory, token));
      assertRefused(
          Status.Code.UNAUTHENTICATED,
          () -> broker(transport, b -> b.status(StatusRequest.getDefaultInstance())));
    }
    victim.await("UNAUTHENTICATED");
    // A good one adds its role to the certificate's.
    String admin = TokenFile.create(file, Role.ADMIN, "admin", Instant.now().plusSeconds(600));
    var transport = Transport.of(new Transport.Options(directory, admin));
    assertThatThrownBy(
            () -> broker(transport, b -> b.undeploy(UndeployRequest.getDefaultInstance())))
        .satisfies(e ->
            assertThat(Status.fromThrowable(e).getCode())
                .isNotIn(Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED));
  }

  /** Whoever has a peer's certificate takes the broker's place. */
  @Test
  void aPeerThatPassesForTheBroker() throws Exception {
    var server =
        as(Role.PEER)
            .server(new Address("127.0.0.1", 0))
            .addService(new BrokerServiceGrpc.BrokerServiceImplBase() {})
            .build()
            .start();
    try {
      var there = new Address("127.0.0.1", server.getPort());
      for (var role : List.of(Role.CLIENT, Role.ADMIN, Role.PEER)) {
        assertRefused(
            Status.Code.UNAUTHENTICATED,
            () ->
                call(
                    as(role),
                    there,
                    BrokerServiceGrpc::newBlockingStub,
                    b -> b.status(StatusRequest.getDefaultInstance())));
      }
    } finally {
      server.shutdownNow().awaitTermination();
    }
  }

  @Test
  void aBrokerThatPassesForAPeer() {
    // The victim's second port is certified as a broker: it may serve blobs, but no stages.
    var client = as(Role.CLIENT);
    BlobStatReply blobs =
        call(
            client,
            victim.peer(),
            BlobServiceGrpc::newBlockingStub,
            b -> b.stat(BlobStatRequest.getDefaultInstance()));
    assertThat(blobs.getBlobsList()).isEmpty();
    var channel = client.channel(victim.peer());
    try {
      var end = new StreamEnd<DriveEvent>();
      StageServiceGrpc.newStub(channel).drive(end);
      assertThat(end.status().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    } finally {
      channel.shutdownNow();
    }
  }

  private static boolean drainOf(Iterator<?> answers) {
    answers.forEachRemaining(answer -> {});
    return true;
  }
}
