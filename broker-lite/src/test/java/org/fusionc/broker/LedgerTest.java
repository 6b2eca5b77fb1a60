package org.fusionc.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.fusionc.broker.state.Link;
import org.fusionc.broker.state.LinkFigure;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.store.Compare;
import org.fusionc.broker.store.EmbeddedStore;
import org.fusionc.broker.store.LossyStore;
import org.fusionc.ir.diagnostic.DiagnosticException;
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
