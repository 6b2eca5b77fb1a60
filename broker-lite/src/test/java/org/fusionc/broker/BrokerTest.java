package org.fusionc.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.PeerStatus;
import org.fusionc.runtime.proto.RecoveryReport;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.RunReportSummary;
import org.fusionc.runtime.proto.SegmentRole;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker over the wire, with peers that say what they are to say. */
class BrokerTest {
  private static final long MEMORY = 256L << 20;
  private static final Address ANY = new Address("127.0.0.1", 0);

  @TempDir Path folder;
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (var each : open.reversed()) {
      each.close();
    }
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.add(resource);
    return resource;
  }

  private Broker broker(Address listen) {
    var broker =
        Broker.start(
            new Broker.Options(listen, folder.resolve("broker"), null, null, Transport.plain()));
    return opened(broker);
  }

  private BrokerClient client(Broker broker) {
    return opened(BrokerClient.of(broker.address().toString(), Transport.plain()));
  }

  private ScriptedPeer peer(Broker broker, String name) {
    return opened(new ScriptedPeer(broker.address(), name, MEMORY));
  }

  private Path artifact() {
    var target = folder.resolve("artifact");
    try (var source = ModelSource.open(SharedFiles.model("stories260K"), null)) {
      var options = Compiler.Options.whole(Compiler.backend("interp"), Phase.QUANTIZED);
      var compiled = Compiler.compile(source.module(), source.phase(), options);
      var _ =
          ArtifactBuilder.write(
              source, compiled.module(), compiled.phase(), target, (w, i, n) -> {});
    }
    return target;
  }

  private static DeployRequest.Builder request(String manifest) {
    return DeployRequest.newBuilder().setName("stories").setManifest(manifest).setStages(2);
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting until " + what).isLessThan(end);
      Thread.sleep(20);
    }
  }

  private static DeploymentView view(BrokerClient client) {
    return client.deployment("stories").orElseThrow();
  }

  private static List<String> serving(DeploymentView view) {
    return view.getStagesList().stream().map(stage -> stage.getHolders(0).getPeer()).toList();
  }

  @Test
  void deploysOverMeasuredPeersWithStandbysAndSurvivesARestart() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var peers = new ArrayList<ScriptedPeer>();
    for (var name : List.of("ada", "bob", "cleo")) {
      peers.add(peer(broker, name));
    }
    await("all are here", () -> client.status().getPeersCount() == 3);
    var manifest = client.put(artifact(), share -> {});
    var said = new ArrayList<String>();
    var view = client.deploy(request(manifest).build(), p -> said.add(p.getMessage()));

    assertThat(view.getReady()).isTrue();
    assertThat(view.getStagesCount()).isEqualTo(2);
    assertThat(view.getPlan()).contains("recover = ");
    assertThat(said).anyMatch(line -> line.startsWith("planned 2 stages"));
    assertThat(peers.getFirst().measured()).contains("bob", "cleo");
    await(
        "each stage has standbys",
        () ->
            view(client).getStagesList().stream().allMatch(stage -> stage.getHoldersCount() == 3));
    // Orders follow what the view says.
    await("all are ordered", () -> peers.stream().mapToInt(p -> p.ordered().size()).sum() == 6);
    var roles = peers.stream().flatMap(p -> p.ordered().stream()).map(s -> s.getRole()).toList();
    assertThat(roles).filteredOn(r -> r == SegmentRole.SERVING).hasSize(2);
    assertThat(roles).filteredOn(r -> r == SegmentRole.STANDBY).hasSize(4);
    // Deploying what is deployed just says so.
    assertThat(client.deploy(request(manifest).build(), p -> {}).getVersion())
        .isEqualTo(view(client).getVersion());

    var address = broker.address();
    var before = view(client);
    broker.close();
    open.remove(broker);
    peers.forEach(ScriptedPeer::close);
    var again = broker(address);
    var second = client(again);
    await("it leads", () -> second.status().getLeader());
    var after = view(second);
    assertThat(after.getPlanDigest()).isEqualTo(before.getPlanDigest());
    assertThat(after.getVersion()).isGreaterThanOrEqualTo(before.getVersion());
    assertThat(serving(after)).isEqualTo(serving(before));
  }

  @Test
  void promotesAStandbyWhenAPeerIsLost() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var peers = List.of(peer(broker, "ada"), peer(broker, "bob"), peer(broker, "cleo"));
    await("all are here", () -> client.status().getPeersCount() == 3);
    var manifest = client.put(artifact(), share -> {});
    var first = serving(client.deploy(request(manifest).build(), p -> {}));
    var names = List.of("ada", "bob", "cleo");
    var lost = first.getFirst();
    await(
        "there are ready standbys",
        () -> view(client).getStages(0).getHoldersList().stream().allMatch(h -> h.getReady()));
    peers.get(names.indexOf(lost)).hang();
    await("another one serves", () -> !serving(view(client)).contains(lost));
    assertThat(view(client).getReady()).isTrue();
    assertThat(client.status().getPeersList())
        .filteredOn(p -> p.getName().equals(lost))
        .singleElement()
        .satisfies(p -> assertThat(p.getState()).isEqualTo("lost"));
    // It will not come back.
    client.drain(lost, said -> {});
    assertThat(client.status().getPeersList()).noneMatch(p -> p.getName().equals(lost));
  }

  private static String state(BrokerClient client, String peer) {
    return client.status().getPeersList().stream()
        .filter(p -> p.getName().equals(peer))
        .map(PeerStatus::getState)
        .findFirst()
        .orElse("");
  }

  @Test
  void whoIsBeingDrainedIsSoOnItsNextStreamButNotWhenItStartsAnew() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var _ = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "one"));
    await("it is here", () -> client.status().getPeersCount() == 1);
    var manifest = client.put(artifact(), share -> {});
    client.deploy(request(manifest).setStages(1).build(), p -> {});
    // Nobody can take over: it drains for ever.
    var drain = Thread.ofVirtual().start(() -> drainForEver(client));
    await("it is drained", () -> state(client, "ada").equals("draining"));
    var again = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "one", 7));
    await("it attends", () -> !again.ordered().isEmpty());
    assertThat(state(client, "ada")).isEqualTo("draining");
    var anew = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "one"));
    await("it starts anew", () -> !anew.ordered().isEmpty());
    assertThat(state(client, "ada")).isEqualTo("alive");
    drain.interrupt();
  }

  private static void drainForEver(BrokerClient client) {
    try {
      client.drain("ada", said -> {});
    } catch (RuntimeException ended) {
      // With the test.
    }
  }

  @Test
  void whatIsShownOfRunsIsShortAndDoesNotGiveThemAway() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var run = UUID.randomUUID().toString();
    var reports = BrokerServiceGrpc.newStub(client.channel()).reportRun(new Unheard());
    reports.onNext(
        RunReport.newBuilder()
            .setRun(run)
            .setDeployment("m")
            .setClient("\u001b[2J" + "x".repeat(100_000))
            .addRecoveries(RecoveryReport.newBuilder().setCause("y".repeat(100_000)))
            .build());
    await("it is shown", () -> client.status().getRunsCount() == 1);
    var status = client.status();
    assertThat(status.getRuns(0).getRun()).isEqualTo(run.substring(0, 8));
    assertThat(status.toString()).doesNotContain(run).doesNotContain("\u001b");
    assertThat(status.getSerializedSize()).isLessThan(2000);
    reports.onCompleted();
    await("it has ended", () -> client.status().getRunsCount() == 0);
  }

  /** Listens to nothing. */
  private static final class Unheard implements StreamObserver<RunReportSummary> {
    @Override
    public void onNext(RunReportSummary summary) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  @Test
  void drainsAPeer() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var names = List.of("ada", "bob", "cleo");
    var peers = names.stream().map(name -> peer(broker, name)).toList();
    await("all are here", () -> client.status().getPeersCount() == 3);
    var manifest = client.put(artifact(), share -> {});
    var leaver = serving(client.deploy(request(manifest).build(), p -> {})).getFirst();
    var said = new ArrayList<String>();
    client.drain(leaver, said::add);
    assertThat(said).last().isEqualTo(leaver + " has left");
    assertThat(peers.get(names.indexOf(leaver)).hasLeft()).isTrue();
    assertThat(client.status().getPeersList()).noneMatch(p -> p.getName().equals(leaver));
    assertThat(view(client).getReady()).isTrue();
    assertThat(serving(view(client))).doesNotContain(leaver);
  }

  @Test
  void refusesANameThatIsTakenAndTakesTheSameInstanceBack() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var one = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "one"));
    await("it is here", () -> client.status().getPeersCount() == 1);
    var other = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "two"));
    await("the other is refused", () -> other.failure() != null);
    assertThat(other.failure()).hasMessageContaining("another peer of this name");
    var back = opened(new ScriptedPeer(broker.address(), "ada", MEMORY, "one"));
    await("the first stream ends", () -> one.failure() != null);
    assertThat(back.failure()).isNull();
    var bad = opened(new ScriptedPeer(broker.address(), "a.b", MEMORY));
    await("the name is refused", () -> bad.failure() != null);
  }

  @Test
  void saysWhyNothingFits() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var small = opened(new ScriptedPeer(broker.address(), "ada", 1 << 20));
    await("it is here", () -> client.status().getPeersCount() == 1);
    var manifest = client.put(artifact(), share -> {});
    assertThatThrownBy(() -> client.deploy(request(manifest).setStages(0).build(), p -> {}))
        .isInstanceOfSatisfying(
            DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(Failure.INFEASIBLE));
    assertThatThrownBy(() -> client.deploy(request("sha256:" + "0".repeat(64)).build(), p -> {}))
        .hasMessageContaining("have not been put");
    assertThat(small.failure()).isNull();
  }

  @Test
  void undeployingDropsSegmentsAndBlobs() throws Exception {
    var broker = broker(ANY);
    var client = client(broker);
    var ada = peer(broker, "ada");
    await("it is here", () -> client.status().getPeersCount() == 1);
    var manifest = client.put(artifact(), share -> {});
    client.deploy(request(manifest).setStages(1).build(), p -> {});
    await("it is ordered", () -> !ada.ordered().isEmpty());
    var blobs = folder.resolve("broker").resolve("blobs").resolve("sha256");
    // Somebody puts the blobs of what is to be deployed next.
    var coming = Files.write(blobs.resolve("0".repeat(64)), new byte[10]);
    client.undeploy("stories");
    await("nothing is ordered", () -> ada.ordered().isEmpty());
    assertThat(blobs).isDirectoryContaining("glob:**/" + coming.getFileName());
    Files.delete(coming);
    assertThat(blobs).isEmptyDirectory();
    assertThatThrownBy(() -> client.undeploy("stories"))
        .hasMessageContaining("nothing is deployed");
  }
}
