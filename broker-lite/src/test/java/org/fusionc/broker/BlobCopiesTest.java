package org.fusionc.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Layout;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.Wish;
import org.fusionc.broker.store.Compare;
import org.fusionc.broker.store.EmbeddedStore;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker that has come to lead, without the blobs of what is deployed. */
class BlobCopiesTest {
  private static final long LARGEST = 1L << 30;
  private static final Wish WISH = new Wish("latency", 512, 1, "f32", 0, false);

  @TempDir Path folder;

  private String artifact() {
    try (var source = ModelSource.open(SharedFiles.model("stories260K"), null)) {
      var options = Compiler.Options.whole(Compiler.backend("interp"), Phase.QUANTIZED);
      var compiled = Compiler.compile(source.module(), source.phase(), options);
      return ArtifactBuilder.write(
          source, compiled.module(), compiled.phase(), folder.resolve("peer"), (w, i, n) -> {});
    }
  }

  private static Deployment deployment(String name, String manifest) {
    var layout = Layout.planned("plan", "digest", List.of(), List.of());
    return new Deployment(name, manifest, WISH, 8, 16, layout, null, 1, 0);
  }

  @Test
  void takesWhatPeersHaveThoughNobodyHasTheOthers() throws Exception {
    var manifest = artifact();
    var theirs = BlobDirectory.open(folder.resolve("peer"), LARGEST);
    var mine = BlobDirectory.open(folder.resolve("broker"), LARGEST);
    var plain = Transport.plain();
    var server =
        plain
            .server(new Address("127.0.0.1", 0), null)
            .addService(BlobServer.readOnly(theirs))
            .build()
            .start();
    try (var store = EmbeddedStore.open(folder.resolve("broker"))) {
      var ledger = new Ledger(store);
      ledger.lead(Compare.absent("fusionc/leader"));
      var address = "127.0.0.1:" + server.getPort();
      var peer = new Peer("ada", "i", address, 100, "cpu", 1, "1", null, 0, PeerState.ALIVE);
      var _ =
          ledger.update(state ->
              state
                  .withPeer(peer)
                  .withDeployment(deployment("a", "sha256:" + "0".repeat(64)))
                  .withDeployment(deployment("b", manifest)));
      var models = new Models(mine);
      var membership = new Membership(ledger, Membership.Times.DEFAULT);
      var deployments = new Deployments(ledger, membership, mine, models);
      var copies = new BlobCopies(store, ledger, mine, deployments, models, plain, () -> "");
      var running = Thread.ofVirtual().start(copies::run);
      try {
        BrokerTest.await("all are here", () -> mine.list().equals(theirs.list()));
        assertThat(mine.has(Digest.parse(manifest).orElseThrow())).isTrue();
      } finally {
        running.interrupt();
        running.join();
      }
    } finally {
      server.shutdownNow();
    }
  }
}
