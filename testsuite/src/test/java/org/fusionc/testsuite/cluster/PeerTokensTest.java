package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.fusionc.broker.Broker;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.TokenFile;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.PeerOptions;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where tokens are asked for, a peer asks for them too: it admits whom its broker admits. */
class PeerTokensTest {
  private static final Address ANY = new Address("127.0.0.1", 0);

  @TempDir private Path folder;

  @Test
  void aPeerAdmitsTheBrokersTokensAndNobodyElse() throws InterruptedException {
    var file = folder.resolve("tokens");
    var later = Instant.now().plus(Duration.ofHours(1));
    var peerToken = TokenFile.create(file, Role.PEER, "a-peer", later);
    var clientToken = TokenFile.create(file, Role.CLIENT, "a-client", later);
    var options = new Broker.Options(ANY, folder.resolve("broker"), null, file, Transport.plain());
    try (var broker = Broker.start(options)) {
      var joined = new CountDownLatch(1);
      var wish =
          new PeerOptions(
              List.of(broker.address()), "p", 64L << 20, 1, folder.resolve("p"), ANY, null);
      try (var peer =
          org.fusionc.runtime.peer.Peer.start(
              wish,
              transport(peerToken),
              line -> {
                if (line.contains("joined")) {
                  joined.countDown();
                }
              })) {
        assertThat(joined.await(3, TimeUnit.MINUTES)).isTrue();
        assertThat(stat(transport(clientToken), peer.address())).isEqualTo(Status.Code.OK);
        assertThat(stat(Transport.plain(), peer.address())).isEqualTo(Status.Code.UNAUTHENTICATED);
        assertThat(stat(transport("not-a-token"), peer.address()))
            .isEqualTo(Status.Code.UNAUTHENTICATED);
      }
    }
  }

  private static Transport transport(String token) {
    return Transport.of(new Transport.Options(null, token));
  }

  private static Status.Code stat(Transport transport, Address peer) throws InterruptedException {
    var channel = transport.channel(peer);
    try {
      var blobs = BlobServiceGrpc.newBlockingStub(channel).withDeadlineAfter(1, TimeUnit.MINUTES);
      var refused =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () -> {
                var _ = blobs.stat(BlobStatRequest.getDefaultInstance());
              });
      return refused == null ? Status.Code.OK : refused.getStatus().getCode();
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }
}
