package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployRequest;

/**
 * What can be wrong with what a deployment shall be. The broker looks at it, and whoever deploys
 * does so before an artifact is made, which may take minutes.
 */
public final class Wishes {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,63}");

  /** How long peers that have just been started may take until they have joined. */
  private static final Duration JOINING = Duration.ofSeconds(8);

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

  private static int peers(ClusterStatus status) {
    return (int)
        status.getPeersList().stream().filter(peer -> peer.getState().equals("alive")).count();
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
