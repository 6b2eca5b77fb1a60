package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.broker.Broker;
import org.fusionc.broker.page.PageServer;
import org.fusionc.cli.Main;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.Peer;
import org.fusionc.runtime.peer.PeerOptions;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Commands that talk to a cluster, used wrongly: what they say, with which exit code, and when. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClusterCommandsTest {
  private static final Address ANY = new Address("127.0.0.1", 0);
  private static final int USAGE = 2;
  private static final int INVALID = 3;
  private static final int INFEASIBLE = 4;
  private static final int CLUSTER = 5;

  private record Outcome(int code, String out, String err) {}

  private final String model = Repository.root().resolve("examples/shakespeare").toString();
  private final List<AutoCloseable> running = new ArrayList<>();
  private String cluster = "";
  private String page = "";
  private String peer = "";

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    var plain = Transport.plain();
    var broker = Broker.start(new Broker.Options(ANY, folder.resolve("broker"), null, null, plain));
    running.addFirst(broker);
    cluster = broker.address().toString();
    var pages = PageServer.start(broker, ANY);
    running.addFirst(pages);
    page = pages.address().toString();
    var options =
        new PeerOptions(
            List.of(broker.address()), "p", 128L << 20, 1, folder.resolve("p"), ANY, null);
    var started = Peer.start(options, plain, line -> {});
    running.addFirst(started);
    peer = started.address().toString();
  }

  @AfterAll
  void end() throws Exception {
    for (var each : running) {
      each.close();
    }
  }

  private static Outcome run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
    assertThat(err.toString()).doesNotContain("\tat ").doesNotContain("internal error");
    return new Outcome(code, out.toString(), err.toString());
  }

  /** Refused before an artifact was made, and before anything was deployed. */
  private void refused(int code, String part, String... arguments) {
    var outcome = run(arguments);
    assertThat(outcome.err).contains(part);
    assertThat(outcome.code).as(outcome.err).isEqualTo(code);
    assertThat(outcome.out + outcome.err).doesNotContain("making an artifact");
  }

  @Test
  void aWrongNameOrNumberIsUsageAndSaidBeforeAnyWork() {
    refused(
        USAGE, "no name of a deployment", "deploy", model, "--cluster", cluster, "--name", "a b");
    refused(
        USAGE,
        "no name of a deployment",
        "run",
        model,
        "--cluster",
        cluster,
        "--deployment",
        "a/b",
        "--prompt",
        "a");
    for (var option : new String[] {"--context", "--sessions", "--stages"}) {
      refused(USAGE, "-7", "deploy", model, "--cluster", cluster, option, "-7");
    }
    refused(USAGE, "has room for", "deploy", model, "--cluster", cluster, "--context", "1000000");
  }

  @Test
  void moreStagesThanPeersAreInfeasible() {
    refused(
        INFEASIBLE,
        "9 stages were asked for, but there is 1 peer",
        "deploy",
        model,
        "--cluster",
        cluster,
        "--stages",
        "9");
  }

  @Test
  void aPlanOverPeersThatAreNotHereIsRefused(@TempDir Path folder) throws IOException {
    var plan = folder.resolve("plan.fir");
    Files.writeString(
        plan,
        """
        fir 1.0

        plan @main objective latency {
          stage 0 on @p.cpu runs @decode through %layers.2.out
          stage 1 on @attic.cpu runs @decode
        }
        """);
    refused(
        INVALID,
        "plan.fir:5:3: stage 1 is on @attic.cpu, but no such peer is here; the peers are p",
        "deploy",
        model,
        "--cluster",
        cluster,
        "--name",
        "absent",
        "--plan",
        plan.toString());
  }

  @Test
  void otherOptionsThanThoseOfWhatIsThereAreUsage() {
    var deployed = run("deploy", model, "--cluster", cluster, "--name", "play", "--stages", "1");
    assertThat(deployed.code).as(deployed.err).isZero();
    refused(
        USAGE,
        "deployment play is there already, with stages 1, not 2",
        "run",
        model,
        "--cluster",
        cluster,
        "--deployment",
        "play",
        "--stages",
        "2",
        "--prompt",
        "a");
    var one =
        run(
            "run",
            model,
            "--cluster",
            cluster,
            "--deployment",
            "play",
            "--stages",
            "1",
            "--prompt",
            "ROMEO:",
            "--max-tokens",
            "4");
    assertThat(one.code).as(one.err).isZero();
  }

  @Test
  void certificatesThatAreNotThereOrForAnotherRoleAreRefused(@TempDir Path folder) {
    var authority = folder.resolve("ca").toString();
    var alice = folder.resolve("alice").toString();
    assertThat(run("ca", "init", "--out", authority).code).isZero();
    var issued = run("ca", "issue", "alice", "--role", "client", "--ca", authority, "--out", alice);
    assertThat(issued.code).as(issued.err).isZero();
    refused(USAGE, "for the role client", "broker", "--tls", alice);
    refused(USAGE, "for the role client", "peer", "--broker", cluster, "--tls", alice);
    refused(CLUSTER, "TLS fails", "status", "--cluster", cluster, "--tls", alice);
    refused(3, "there is no such file", "status", "--cluster", cluster, "--tls", authority + "/x");
  }

  @Test
  void whatIsNotThereIsUsage() {
    refused(USAGE, "there is no deployment 'x'", "undeploy", "x", "--cluster", cluster);
    refused(USAGE, "there is no peer 'x'", "drain", "x", "--cluster", cluster);
  }

  @Test
  void whatIsNoBrokerIsToldFromOneThatIsAway() {
    refused(CLUSTER, "this port answers HTTP", "status", "--cluster", page);
    refused(CLUSTER, "this port answers HTTP", "deploy", model, "--cluster", page);
    refused(CLUSTER, "this may be a peer's", "status", "--cluster", peer);
    // Nobody listens on the first port.
    refused(
        CLUSTER, "cannot be reached", "run", model, "--cluster", "127.0.0.1:1", "--prompt", "a");
  }
}
