package org.fusionc.runtime.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.LinkMeasure;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.ProbeTarget;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.proto.SegmentState.Phase;
import org.fusionc.runtime.proto.Speed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerTest {
  private static final Address LOOPBACK = new Address("127.0.0.1", 0);

  @TempDir static Path shared;
  private static ExampleArtifact example;

  @TempDir Path folder;
  private OrderServer broker;
  private final List<Peer> peers = new ArrayList<>();
  private final List<String> lines = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void compile() throws Exception {
    example = ExampleArtifact.compile(shared.resolve("example"));
  }

  @BeforeEach
  void begin() throws Exception {
    broker = new OrderServer(example.blobs());
  }

  @AfterEach
  void end() throws Exception {
    peers.forEach(Peer::close);
    broker.close();
  }

  @Test
  void fetchesOnlyItsBlobsAndGivesThemUpWhenTheyAreNotOrdered() throws Exception {
    var peer = start("one", 1 << 30);
    var join = broker.awaitAny(PeerReport::hasJoin);
    assertThat(join.getJoin().getName()).isEqualTo("one");
    assertThat(join.getJoin().getAddress()).isEqualTo(peer.address().toString());
    assertThat(join.getJoin().getMemory()).isEqualTo(1 << 30);
    assertThat(join.getSpeed().getFlopsMap()).containsKeys("f32", "bf16");

    broker.order(example.order(1).build());
    var ready = broker.await(is(1, Phase.READY)).getSegments(0);
    assertThat(ready.getBytes()).isPositive();
    assertThat(ready.getLoadSeconds()).isPositive();
    assertThat(held("one")).isEqualTo(example.blobs(1));
    assertThat(broker.await(report -> true).getMemoryUsed()).isEqualTo(ready.getBytes());
    assertThat(lines)
        .contains("peer one: listening on " + peer.address() + ", joined " + broker.address())
        .anyMatch(line -> line.contains("stage 1 of example") && line.contains("fetching"))
        .anyMatch(line -> line.contains("stage 1 of example") && line.contains(": ready in"));

    broker.order(example.order(0).build(), example.order(1).build());
    var both = broker.await(is(0, Phase.READY));
    assertThat(both.getSegmentsList()).hasSize(2);
    broker.order();
    broker.await(report -> report.getSegmentsCount() == 0 && report.getMemoryUsed() == 0);
  }

  @Test
  void loadsWhatIsKeptWithoutFetching() throws Exception {
    start("one", 1 << 30);
    broker.order(example.order(0).build());
    var instance = broker.awaitAny(PeerReport::hasJoin).getJoin().getInstance();
    broker.await(is(0, Phase.READY));
    peers.removeLast().close();
    assertThat(broker.given()).isNotEmpty();
    broker.given().clear();

    start("one", 1 << 30);
    broker.await(is(0, Phase.READY));
    assertThat(broker.given()).isEmpty();
    assertThat(broker.awaitAny(PeerReport::hasJoin).getJoin().getInstance()).isEqualTo(instance);
  }

  @Test
  void fetchesFromPeersFirst() throws Exception {
    start("one", 1 << 30);
    broker.order(example.order(0).build());
    broker.await(is(0, Phase.READY));
    var one = peers.getFirst().address().toString();
    broker.given().clear();
    broker.order(example.order(0).addSources(one).build());
    start("two", 1 << 30);
    broker.await(report -> false == report.hasJoin() && is(0, Phase.READY).test(report));
    awaitHeld("two", example.blobs(0));
    assertThat(broker.given()).isEmpty();
  }

  @Test
  void whatDoesNotFitIntoItsMemoryIsRefusedBeforeItIsFetched() throws Exception {
    start("one", 1 << 20);
    broker.order(example.order(0).build());
    var failed = broker.await(is(0, Phase.FAILED)).getSegments(0);
    assertThat(failed.getMessage()).contains("needs").contains("1.000 MiB").contains("short by");
    assertThat(held("one")).hasSize(3);
    // It is tried again, but does not say so each time.
    broker.await(report -> true);
    assertThat(lines.stream().filter(line -> line.contains("FAILED"))).hasSize(1);
  }

  @Test
  void twoSegmentsShareTheMemory() throws Exception {
    start("probe", 1 << 30);
    broker.order(example.order(0).build());
    long needed = broker.await(is(0, Phase.READY)).getSegments(0).getBytes();
    peers.removeLast().close();
    start("one", needed + needed / 2);
    broker.order(example.order(0).build(), example.order(1).build());
    broker.await(report ->
        report.getSegmentsList().stream().anyMatch(s -> s.getPhase() == Phase.READY)
            && report.getSegmentsList().stream().anyMatch(s -> s.getPhase() == Phase.FAILED)
            && report.getMemoryUsed() <= needed + needed / 2);
  }

  @Test
  void goesOnWithoutABrokerAndFindsItAgain() throws Exception {
    start("one", 1 << 30);
    broker.order(example.order(0).build());
    broker.await(is(0, Phase.READY));
    broker.stop();
    awaitLine("is not to be had");
    broker.startAgain();
    var report = broker.awaitAny(PeerReport::hasJoin);
    assertThat(report.getSegments(0).getPhase()).isEqualTo(Phase.READY);
    assertThat(report.hasSpeed()).isTrue();
    awaitLine("again");
    assertThat(lines.stream().filter(line -> line.contains(": ready in"))).hasSize(1);
  }

  @Test
  void aDamagedBlobAndAWrongPlanAreRefused() throws Exception {
    var damaged = BlobDirectory.open(folder.resolve("damaged"), 1 << 30);
    for (var blob : example.manifest().blobs()) {
      damaged.store(example.blobs().read(blob.digest(), 1 << 30));
    }
    var needed = new TreeSet<>(example.blobs(0));
    needed.remove(example.manifest().self().digest().hex());
    needed.remove(example.manifest().config().digest().hex());
    needed.remove(example.manifest().parts().get("module.fir").digest().hex());
    var victim = damaged.find(new Digest(needed.first())).orElseThrow();
    var bytes = Files.readAllBytes(victim);
    bytes[bytes.length / 2] ^= 4;
    Files.write(victim, bytes);
    try (var other = new OrderServer(damaged)) {
      start(other, "one", 1 << 30);
      var wrong = example.order(1).setPlan(example.text() + "\n").build();
      other.order(example.order(0).build(), wrong);
      var report = other.await(r -> is(0, Phase.FAILED).test(r) && is(1, Phase.FAILED).test(r));
      assertThat(report.getSegments(0).getMessage()).contains("gave wrong bytes");
      assertThat(report.getSegments(1).getMessage()).contains("the plan's text has the digest");
      assertThat(held("one")).doesNotContain(needed.first());
    }
  }

  @Test
  void measuresLinksWhenItIsTold() throws Exception {
    start("one", 1 << 30);
    var two = start("two", 1 << 30);
    var probe = ProbeTarget.newBuilder().setName("two").setAddress(two.address().toString());
    var nobody = ProbeTarget.newBuilder().setName("nobody").setAddress("127.0.0.1:1");
    broker.give(broker.orders().toBuilder().addProbes(probe).addProbes(nobody).build());
    var measured = link(broker.awaitAny(report -> link(report, "two") != null), "two");
    assertThat(measured.getBandwidth()).isPositive();
    assertThat(measured.getLatency()).isBetween(0.0, 10.0);
    var lost = link(broker.awaitAny(report -> link(report, "nobody") != null), "nobody");
    assertThat(lost.getBandwidth()).isZero();
  }

  private static LinkMeasure link(PeerReport report, String to) {
    return report.getLinksList().stream()
        .filter(l -> l.getTo().equals(to))
        .findFirst()
        .orElse(null);
  }

  @Test
  void leavesWhenItIsTold() throws Exception {
    var peer = start("one", 1 << 30);
    broker.awaitAny(PeerReport::hasJoin);
    peer.drain("test");
    broker.await(PeerReport::getDraining);
    broker.give(broker.orders().toBuilder().setLeave(true).build());
    peer.awaitLeaving();
    assertThat(lines).anyMatch(line -> line.contains("drained after"));
  }

  @Test
  void aDataDirectoryIsForOnePeer() throws Exception {
    start("one", 1 << 30);
    assertThatThrownBy(() -> start("one", 1 << 30))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("another peer is running");
  }

  @Test
  void saysWhatIsWrongWithItsOptions() {
    assertThatThrownBy(() -> PeerOptions.memory("4 apples")).hasMessageContaining("apples");
    assertThatThrownBy(() -> PeerOptions.memory("4ms")).hasMessageContaining("--memory");
    assertThatThrownBy(() -> PeerOptions.memory("12B")).hasMessageContaining("too little");
    assertThatThrownBy(() -> PeerOptions.memory("90000GiB"))
        .hasMessageContaining("--memory 90000GiB is more than this machine has");
    assertThat(PeerOptions.memory("1.5GiB")).isEqualTo(3L << 29);
    assertThatThrownBy(() -> PeerOptions.brokers("a:1,,b:2")).hasMessageContaining("no address");
    assertThatThrownBy(() -> options(broker.address(), "a b", 0)).hasMessageContaining("no name");
    assertThatThrownBy(() -> options(LOOPBACK, "a", 0)).hasMessageContaining("no port");
  }

  private Peer start(String name, long memory) throws Exception {
    return start(broker, name, memory);
  }

  private Peer start(OrderServer at, String name, long memory) throws Exception {
    // As after an earlier run: measuring takes a while, and is tested for itself.
    var data = folder.resolve(name);
    if (!Files.exists(data)) {
      Files.createDirectories(data);
      var known = Speed.newBuilder().setBandwidth(1e9).putFlops("f32", 1e9).putFlops("bf16", 1e9);
      Files.write(data.resolve("speed-1"), known.build().toByteArray());
    }
    var peer = Peer.start(options(at.address(), name, memory), Transport.plain(), lines::add);
    peers.add(peer);
    return peer;
  }

  private PeerOptions options(Address at, String name, long memory) {
    return new PeerOptions(
        List.of(at), name, memory, 1, folder.resolve(name.replace(' ', '_')), LOOPBACK, null);
  }

  private static java.util.function.Predicate<PeerReport> is(int stage, Phase phase) {
    return report ->
        report.getSegmentsList().stream()
            .anyMatch((SegmentState s) -> s.getStage() == stage && s.getPhase() == phase);
  }

  private Set<String> held(String peer) {
    var held = new TreeSet<String>();
    BlobDirectory.open(folder.resolve(peer), 1).list().forEach(digest -> held.add(digest.hex()));
    return held;
  }

  private void awaitHeld(String peer, Set<String> wanted) throws InterruptedException {
    for (int i = 0; i < 600 && !held(peer).equals(wanted); i++) {
      Thread.sleep(50);
    }
    assertThat(held(peer)).isEqualTo(wanted);
  }

  private void awaitLine(String part) throws InterruptedException {
    for (int i = 0; i < 600 && lines.stream().noneMatch(line -> line.contains(part)); i++) {
      Thread.sleep(50);
    }
    assertThat(lines).anyMatch(line -> line.contains(part));
  }
}
