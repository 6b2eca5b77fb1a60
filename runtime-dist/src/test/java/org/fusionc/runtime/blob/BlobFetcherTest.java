package org.fusionc.runtime.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.FaultyProxy;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.MediaTypes;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobFetcherTest {
  private static final long LARGEST = 64 << 20;
  private static final Duration SHUN = Duration.ofMinutes(1);
  private static final BlobFetcher.Options QUICK =
      new BlobFetcher.Options(3, 5, Duration.ofMillis(20), Duration.ofSeconds(10), SHUN);

  @TempDir Path folder;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final ConcurrentLinkedQueue<String> troubles = new ConcurrentLinkedQueue<>();
  private final AtomicLong here = new AtomicLong();

  @AfterEach
  void stop() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
  }

  @Test
  void fetchesWhatIsMissingFromWhoeverHasIt() throws Exception {
    var peer = directory("peer");
    var broker = directory("broker");
    var wanted = new ArrayList<Descriptor>();
    for (int i = 0; i < 20; i++) {
      var bytes = bytes(i * 10_007, i);
      var holder = i % 3 == 0 ? peer : broker;
      holder.store(bytes);
      wanted.add(descriptor(bytes));
    }
    var target = directory("target");
    target.store(bytes(10_007, 1));
    var sources = List.of(source("peer", serve(peer)), source("broker", serve(broker)));
    fetch(target, wanted, sources);
    assertThat(target.list()).hasSize(20);
    assertThat(here).hasValue(190 * 10_007);
  }

  @Test
  void goesOnAfterACutAtAnyByte() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(60_000, 7);
    broker.store(bytes);
    var random = new Random(1);
    try (var proxy = new FaultyProxy(serve(broker))) {
      for (int i = 0; i < 60; i++) {
        // The first few hundred bytes are the connection's and the call's own.
        proxy.cutAfter(i < 20 ? i * 17 : random.nextInt(61_000));
        var target = directory("target" + i);
        fetch(target, List.of(descriptor(bytes)), List.of(source("broker", proxy.port())));
        assertThat(target.read(Digest.of(bytes), LARGEST)).isEqualTo(bytes);
        assertThat(here).hasValue(60_000);
      }
    }
  }

  @Test
  void whatHasComeIsNotFetchedAgain() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(4 << 20, 3);
    broker.store(bytes);
    try (var proxy = new FaultyProxy(serve(broker))) {
      var target = directory("target");
      for (int cut = 1; cut <= 8; cut++) {
        proxy.cutAfter(700_000);
        var once = new BlobFetcher.Options(1, 1, Duration.ZERO, Duration.ofSeconds(10), SHUN);
        try {
          fetch(target, List.of(descriptor(bytes)), List.of(source("b", proxy.port())), once);
        } catch (DiagnosticException cutOff) {
          // The next fetcher goes on, as after a restart of the process.
        }
      }
      assertThat(target.read(Digest.of(bytes), LARGEST)).isEqualTo(bytes);
      assertThat(proxy.answered()).isLessThan((4 << 20) + 1_000_000);
    }
  }

  @Test
  void aSourceThatGivesWrongBytesIsAvoided() throws Exception {
    var liar = directory("liar");
    var honest = directory("honest");
    var wanted = new ArrayList<Descriptor>();
    for (int i = 0; i < 5; i++) {
      var bytes = bytes(5000, i);
      honest.store(bytes);
      var digest = liar.store(bytes);
      bytes[1234] ^= 1;
      Files.write(liar.find(digest).orElseThrow(), bytes);
      wanted.add(descriptor(bytes(5000, i)));
    }
    var target = directory("target");
    var fetcher = new BlobFetcher(target, QUICK);
    var sources = List.of(source("liar", serve(liar)), source("honest", serve(honest)));
    fetcher.fetch(wanted, () -> sources, progress());
    assertThat(target.list()).hasSize(5);
    assertThat(fetcher.avoided()).containsExactly("liar");
    assertThat(troubles).anyMatch(t -> t.contains("damaged as liar gave it"));
    var only = List.of(sources.getFirst());
    var more = descriptor(bytes(10, 99));
    assertThatThrownBy(() -> fetcher.fetch(List.of(more), () -> only, progress()))
        .hasMessageContaining("it gave wrong bytes before");
  }

  @Test
  void aPartThatAnEarlierProcessLeftDamagedIsFetchedAnewWithoutBlame() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(5000, 1);
    broker.store(bytes);
    var target = directory("target");
    try (var writer = target.write(Digest.of(bytes), 5000)) {
      writer.append(0, ByteBuffer.allocate(1000));
    }
    var fetcher = new BlobFetcher(target, QUICK);
    var sources = List.of(source("broker", serve(broker)));
    fetcher.fetch(List.of(descriptor(bytes)), () -> sources, progress());
    assertThat(target.read(Digest.of(bytes), LARGEST)).isEqualTo(bytes);
    assertThat(fetcher.avoided()).isEmpty();
  }

  @Test
  void aBlobThatNobodyHasIsAFailureThatNamesThoseAsked() throws Exception {
    var target = directory("target");
    var wanted = List.of(descriptor(bytes(10, 1)));
    var sources =
        List.of(source("one", serve(directory("one"))), source("two", serve(directory("two"))));
    assertThatThrownBy(() -> fetch(target, wanted, sources))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining(wanted.getFirst().digest().toString())
        .hasMessageContaining("one=")
        .hasMessageContaining("two=")
        .hasMessageContaining("is not here");
    assertThatThrownBy(() -> fetch(target, wanted, List.of()))
        .hasMessageContaining("nobody is known");
  }

  @Test
  void aSilentSourceIsLeftForAnother() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(3 << 20, 1);
    broker.store(bytes);
    int port = serve(broker);
    try (var silent = new FaultyProxy(port)) {
      silent.hold(true);
      var options =
          new BlobFetcher.Options(1, 3, Duration.ofMillis(10), Duration.ofMillis(300), SHUN);
      var target = directory("target");
      var sources = List.of(source("silent", silent.port()), source("broker", port));
      fetch(target, List.of(descriptor(bytes)), sources, options);
      assertThat(target.list()).hasSize(1);
    }
  }

  @Test
  void waitsForAnotherDownloadOfTheSameBlob() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(5000, 1);
    broker.store(bytes);
    var target = directory("target");
    var sources = List.of(source("broker", serve(broker)));
    var writer = target.write(Digest.of(bytes), 5000);
    var thread =
        Thread.ofVirtual()
            .start(() -> {
              try {
                fetch(target, List.of(descriptor(bytes)), sources);
              } catch (InterruptedException over) {
                Thread.currentThread().interrupt();
              }
            });
    // Far longer than all rounds take.
    assertThat(thread.join(Duration.ofSeconds(1))).isFalse();
    writer.append(0, ByteBuffer.wrap(bytes));
    writer.finish();
    writer.close();
    thread.join();
    assertThat(here).hasValue(5000);
    assertThat(troubles).isEmpty();
  }

  @Test
  void interruptingEndsItAndKeepsWhatHasCome() throws Exception {
    var broker = directory("broker");
    var bytes = bytes(4 << 20, 1);
    broker.store(bytes);
    try (var slow = new FaultyProxy(serve(broker))) {
      slow.limit(2 << 20);
      var target = directory("target");
      var begun = new CountDownLatch(1);
      var sources = List.of(source("broker", slow.port()));
      var thread =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  new BlobFetcher(target, QUICK)
                      .fetch(
                          List.of(descriptor(bytes)),
                          () -> sources,
                          (now, total) -> {
                            if (now > 0) {
                              begun.countDown();
                            }
                          });
                } catch (InterruptedException expected) {
                  Thread.currentThread().interrupt();
                }
              });
      begun.await();
      thread.interrupt();
      thread.join();
      assertThat(target.state(Digest.of(bytes)).complete()).isFalse();
      assertThat(target.state(Digest.of(bytes)).bytes()).isPositive();
      slow.limit(0);
      fetch(target, List.of(descriptor(bytes)), sources);
      assertThat(target.has(Digest.of(bytes))).isTrue();
    }
  }

  private BlobFetcher.Progress progress() {
    return new BlobFetcher.Progress() {
      @Override
      public void bytes(long now, long total) {
        here.set(now);
        assertThat(now).isBetween(0L, total);
      }

      @Override
      public void trouble(String what) {
        troubles.add(what);
      }
    };
  }

  private void fetch(BlobDirectory target, List<Descriptor> wanted, List<BlobSource> sources)
      throws InterruptedException {
    fetch(target, wanted, sources, QUICK);
  }

  private void fetch(
      BlobDirectory target,
      List<Descriptor> wanted,
      List<BlobSource> sources,
      BlobFetcher.Options options)
      throws InterruptedException {
    new BlobFetcher(target, options).fetch(wanted, () -> sources, progress());
  }

  private BlobDirectory directory(String name) {
    return BlobDirectory.open(folder.resolve(name), LARGEST);
  }

  private int serve(BlobDirectory directory) throws IOException {
    var server =
        Transport.plain()
            .server(new Address("127.0.0.1", 0))
            .addService(BlobServer.readOnly(directory))
            .build()
            .start();
    servers.add(server);
    return server.getPort();
  }

  private BlobSource source(String name, int port) {
    var channel = Transport.plain().channel(new Address("127.0.0.1", port));
    channels.add(channel);
    return new BlobSource(name, channel);
  }

  private static Descriptor descriptor(byte[] bytes) {
    return new Descriptor("part", MediaTypes.TENSOR, Digest.of(bytes), bytes.length);
  }

  private static byte[] bytes(int size, int seed) {
    var bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
