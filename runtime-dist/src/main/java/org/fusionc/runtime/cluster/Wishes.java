package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.PeerStatus;

/**
 * What can be wrong with what a deployment shall be. The broker looks at it, and whoever deploys
 * does so before an artifact is made, which may take minutes.
 */
public final class Wishes {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,63}");

  /** How long peers that have just been started may take until they have joined. */
  private static final Duration JOINING = Duration.ofSeconds(8);

  /** What a plan's name of a peer's device may end with. */
  private static final String CPU = ".cpu";

  private static final Duration GLANCE = Duration.ofMillis(300);

  private Wishes() {}

  /**
   * Checks a deployment's name.
   *
   * @throws DiagnosticException if it cannot be one
   */
  public static void checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw Diagnostic.usage(
              "'" + name + "' is no name of a deployment",
              "use 1 to 63 letters, digits, '.', '-' and '_'")
          .exception();
    }
  }

  /**
   * Checks numbers.
   *
   * @param most positions for which the model has room
   * @throws DiagnosticException if one of them makes no sense
   */
  public static void checkSizes(DeployRequest wish, int most) {
    if (wish.getContext() < 0 || wish.getContext() > most) {
      throw Diagnostic.usage(
              "the context is %d positions, but the model has room for %d"
                  .formatted(wish.getContext(), most),
              "ask for 1 to " + most)
          .exception();
    }
    positive(wish.getSessions(), "sessions");
    positive(wish.getStages(), "stages");
  }

  private static void positive(int number, String what) {
    if (number < 0) {
      throw Diagnostic.usage("there cannot be " + number + " " + what, "give 1 or more")
          .exception();
    }
  }

  /**
   * Waits, but not for long, until there are as many peers as stages are wanted, each of which
   * needs its own.
   *
   * @param stages 0 if any number will do
   * @throws DiagnosticException if there are fewer (infeasible)
   */
  static void awaitPeers(BrokerClient client, int stages, Consumer<String> said) {
    long end = System.nanoTime() + JOINING.toNanos();
    int wanted = Math.max(1, stages);
    boolean told = false;
    while (true) {
      var status = client.status();
      int peers = peers(status);
      // What runs already may do so over fewer peers, since some of them were lost.
      if (peers >= wanted
          || status.getDeploymentsList().stream().anyMatch(d -> d.getStagesCount() == wanted)) {
        return;
      }
      if (System.nanoTime() > end) {
        throw tooFew(peers, stages);
      }
      if (!told) {
        told = true;
        said.accept("waiting for peers: there " + are(peers) + ", " + wanted + " are needed");
      }
      try {
        Thread.sleep(GLANCE);
      } catch (InterruptedException ending) {
        Thread.currentThread().interrupt();
        throw tooFew(peers, stages);
      }
    }
  }

  /**
   * Waits, but not for long, until all peers that a plan names are here.
   *
   * @throws DiagnosticException if one is not (invalid)
   */
  static void awaitPeers(BrokerClient client, Plan plan, Consumer<String> said) {
    long end = System.nanoTime() + JOINING.toNanos();
    boolean told = false;
    while (true) {
      var status = client.status();
      var here =
          alive(status).map(PeerStatus::getName).collect(Collectors.toCollection(TreeSet::new));
      var missing = plan.stages().stream().filter(stage -> !here.contains(peer(stage))).findFirst();
      // What runs already may do so over other peers than its plan's, since some of them were lost.
      if (missing.isEmpty()
          || status.getDeploymentsList().stream()
              .anyMatch(d -> d.getStagesCount() == plan.stages().size())) {
        return;
      }
      if (System.nanoTime() > end) {
        throw absent(missing.get(), here);
      }
      if (!told) {
        told = true;
        said.accept("waiting for peer " + peer(missing.get()) + ", which the plan names");
      }
      try {
        Thread.sleep(GLANCE);
      } catch (InterruptedException ending) {
        Thread.currentThread().interrupt();
        throw absent(missing.get(), here);
      }
    }
  }

  /** A plan's device is a peer's CPU, or the peer. */
  private static String peer(Stage stage) {
    var device = stage.device();
    return device.endsWith(CPU) ? device.substring(0, device.length() - CPU.length()) : device;
  }

  private static DiagnosticException absent(Stage stage, Set<String> here) {
    return Diagnostic.invalid(
            stage.origin().location(),
            "stage %d is on @%s, but no such peer is here".formatted(stage.index(), stage.device()),
            Suggestion.didYouMean(
                peer(stage),
                here,
                here.isEmpty()
                    ? "start it with fusionc peer --broker"
                    : "the peers are " + String.join(", ", here)))
        .exception();
  }

  private static int peers(ClusterStatus status) {
    return (int) alive(status).count();
  }

  private static Stream<PeerStatus> alive(ClusterStatus status) {
    return status.getPeersList().stream().filter(peer -> peer.getState().equals("alive"));
  }

  private static DiagnosticException tooFew(int peers, int stages) {
    return peers == 0
        ? Diagnostic.infeasible(
                Location.unknown(), "no peer is here", "start one with fusionc peer --broker")
            .exception()
        : Diagnostic.infeasible(
                Location.unknown(),
                "%d stages were asked for, but there %s".formatted(stages, are(peers)),
                "ask for fewer stages, or start more peers")
            .exception();
  }

  private static String are(int peers) {
    return peers == 1 ? "is 1 peer" : "are " + peers + " peers";
  }
}
