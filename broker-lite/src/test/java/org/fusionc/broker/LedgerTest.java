package org.fusionc.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.state.Link;
import org.fusionc.broker.state.LinkFigure;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.store.Compare;
import org.fusionc.broker.store.EmbeddedStore;
import org.fusionc.broker.store.LossyStore;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.RunReport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in memory and what is in the store are the same, whatever becomes of a call. */
class LedgerTest {
  @TempDir Path folder;
  private EmbeddedStore embedded;
  private LossyStore store;
  private Ledger ledger;

  @BeforeEach
  void open() {
    embedded = EmbeddedStore.open(folder);
    store = new LossyStore(embedded);
    ledger = new Ledger(store);
    ledger.lead(Compare.absent("fusionc/leader"));
  }

  @AfterEach
  void close() {
    embedded.close();
  }

  private static Peer peer(String name) {
    return new Peer(name, "i-" + name, name + ":1", 100, "cpu", 1, "1", null, 0, PeerState.ALIVE);
  }

  private void assertStored() {
    var stored = Ledger.read(embedded);
    assertThat(stored.peers()).isEqualTo(ledger.state().peers());
    assertThat(stored.links()).isEqualTo(ledger.state().links());
  }

  @Test
  void whatMayOrMayNotHaveBeenStoredIsStoredAgain() {
    var _ = ledger.update(state -> state.withPeer(peer("a")));
    store.failAnswer();
    assertThatThrownBy(() -> ledger.update(state -> state.withPeer(peer("b"))))
        .isInstanceOf(DiagnosticException.class);
    store.failAnswer();
    assertThatThrownBy(() -> ledger.update(state -> state.withoutPeer("a")))
        .isInstanceOf(DiagnosticException.class);
    assertThat(ledger.state().peers()).containsOnlyKeys("a");
    var _ = ledger.update(state -> state.withPeer(peer("c")));
    assertThat(ledger.state().peers()).containsOnlyKeys("a", "c");
    assertStored();
  }

  @Test
  void linksThatWereLeftOfAPeerGo() {
    var _ =
        ledger.update(state ->
            state
                .withPeer(peer("a"))
                .withPeer(peer("b"))
                .withLink(new Link("a", "b"), LinkFigure.ASSUMED)
                .withLink(new Link("b", "a"), LinkFigure.ASSUMED));
    // As when it is killed between two transactions.
    embedded.delete("fusionc/peers/b");
    ledger.lead(Compare.absent("fusionc/leader"));
    assertThat(ledger.state().links()).isEmpty();
    var _ = ledger.update(state -> state.withPeer(peer("c")));
    assertStored();
  }

  @Test
  void whoReportsToABrokerThatLeadsNoMoreIsTold() {
    var blobs = BlobDirectory.open(folder, 1000);
    var models = new Models(blobs);
    var membership = new Membership(ledger, Membership.Times.DEFAULT);
    var runs = new Runs(ledger);
    var server =
        new BrokerServer(
            ledger,
            membership,
            new Deployments(ledger, membership, blobs, models),
            runs,
            null,
            ClusterStatus::getDefaultInstance,
            () -> "other:1");
    var failures = new ArrayList<Throwable>();
    var reports = server.reportRun(failingInto(failures));
    var report = RunReport.newBuilder().setRun("0123456789").build();
    reports.onNext(report);
    assertThat(runs.live()).hasSize(1);
    ledger.follow();
    reports.onNext(report);
    reports.onNext(report);
    assertThat(runs.live()).isEmpty();
    assertThat(failures).singleElement().asString().contains("other:1");
  }

  /** Keeps how a stream fails, and nothing else of it. */
  private static <T> StreamObserver<T> failingInto(List<Throwable> failures) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T message) {}

      @Override
      public void onError(Throwable failure) {
        failures.add(failure);
      }

      @Override
      public void onCompleted() {}
    };
  }

  /** As after a broker was stopped for longer than its lease. */
  @Test
  void whoJoinedBeforeABrokerLedAnewIsToldToJoinAgain() {
    var membership = new Membership(ledger, Membership.Times.DEFAULT);
    var failures = new CopyOnWriteArrayList<Throwable>();
    var attendance = new Attendance(ledger, membership, null, failingInto(failures));
    var join = Join.newBuilder().setName("ada").setInstance("i").setAddress("127.0.0.1:1");
    attendance.onNext(PeerReport.newBuilder().setJoin(join.setMemory(1)).build());
    assertThat(ledger.state().peers()).containsOnlyKeys("ada");
    membership.end();
    membership.begin(ledger.state());
    attendance.onNext(PeerReport.getDefaultInstance());
    assertThat(failures).singleElement().asString().contains("UNAVAILABLE").contains("join again");
  }

  @Test
  void aPeerOfManyComesAndGoes() {
    var _ =
        ledger.update(state -> {
          var next = state;
          for (int i = 0; i < 300; i++) {
            next = next.withPeer(peer("p" + i));
            next = next.withLink(new Link("p" + i, "p0"), LinkFigure.ASSUMED);
          }
          return next;
        });
    assertStored();
    var _ = ledger.update(state -> state.withoutPeer("p0"));
    assertThat(ledger.state().links()).isEmpty();
    assertStored();
  }
}
