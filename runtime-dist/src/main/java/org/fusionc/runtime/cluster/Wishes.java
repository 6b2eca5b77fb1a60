package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.plan.Unit;
import org.fusionc.partitioner.Planner;
import org.fusionc.partitioner.cost.Footprint;
import org.fusionc.partitioner.cost.FunctionChain;
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

  private static final int USUAL_CONTEXT = 4096;
  private static final int USUAL_SESSIONS = 8;
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

  /** What is missing of what a deployment needs: in words, and as the refusal that it becomes. */
  private record Lack(String words, DiagnosticException refusal) {}

  /**
   * Waits, but not for long, until there are as many peers as stages are wanted, each of which
   * needs its own.
   *
   * @param stages 0 if any number will do
   * @throws DiagnosticException if there are fewer (infeasible)
   */
  static void awaitPeers(BrokerClient client, int stages, Consumer<String> said) {
    int wanted = Math.max(1, stages);
    await(
        client,
        wanted,
        said,
        status -> {
          int peers = (int) alive(status).count();
          return peers >= wanted
              ? Optional.empty()
              : Optional.of(
                  new Lack(
                      "peers: there " + are(peers) + ", " + wanted + " are needed",
                      tooFew(peers, stages)));
        });
  }

  /**
   * Waits, but not for long, until all peers that a plan names are here.
   *
   * @throws DiagnosticException if one is not (invalid)
   */
  static void awaitPeers(BrokerClient client, Plan plan, Consumer<String> said) {
    await(
        client,
        plan.stages().size(),
        said,
        status -> {
          var here =
              alive(status).map(PeerStatus::getName).collect(Collectors.toCollection(TreeSet::new));
          return plan.stages().stream()
              .filter(stage -> !here.contains(peer(stage)))
              .findFirst()
              .map(stage ->
                  new Lack("peer " + peer(stage) + ", which the plan names", absent(stage, here)));
        });
  }

  /**
   * Waits, but not for long, until the peers together have memory for a model. Whether it can be
   * cut so that each stage fits a peer is the broker's to find.
   *
   * @param module optimised, with its weights as they will be
   * @param most positions for which the model has room
   * @param stages wanted; 0 if any number will do
   * @throws DiagnosticException if they have not (infeasible)
   */
  static void awaitMemory(
      BrokerClient client,
      Module module,
      DeployRequest wish,
      int most,
      int stages,
      Consumer<String> said) {
    int context = context(wish, most);
    int sessions = sessions(wish);
    var chain = new FunctionChain(module.function(Planner.FUNCTION));
    double need = new Footprint(chain, context, sessions, List.of()).leastTotal();
    await(
        client,
        stages,
        said,
        status -> {
          double memory = alive(status).mapToDouble(PeerStatus::getMemory).sum();
          return need <= memory
              ? Optional.empty()
              : Optional.of(
                  new Lack(
                      "peers: together they have "
                          + bytes(memory)
                          + ", "
                          + bytes(need)
                          + " are needed",
                      Diagnostic.infeasible(
                              Location.unknown(),
                              "weights and KV caches (context %d, %d sessions) need %s, but all peers"
                                      .formatted(context, sessions, bytes(need))
                                  + " together have "
                                  + bytes(memory),
                              "start more peers, give them more --memory, or ask for less --context"
                                  + " or fewer --sessions")
                          .exception()));
        });
  }

  /** Positions of each session: what is asked for, or what is usual. */
  public static int context(DeployRequest wish, int most) {
    return wish.getContext() > 0 ? wish.getContext() : Math.min(USUAL_CONTEXT, most);
  }

  /** Sessions at once: what is asked for, or what is usual. */
  public static int sessions(DeployRequest wish) {
    return wish.getSessions() > 0 ? wish.getSessions() : USUAL_SESSIONS;
  }

  private static String bytes(double bytes) {
    return Quantity.readable(bytes, Unit.Dimension.BYTES).toString();
  }

  /**
   * Waits while something is missing.
   *
   * @param stages wanted: what runs already over so many may do so over fewer peers, or others,
   *     since some of them were lost
   */
  private static void await(
      BrokerClient client,
      int stages,
      Consumer<String> said,
      Function<ClusterStatus, Optional<Lack>> missing) {
    long end = System.nanoTime() + JOINING.toNanos();
    boolean told = false;
    while (true) {
      var status = client.status();
      var lack = missing.apply(status);
      if (lack.isEmpty()
          || status.getDeploymentsList().stream().anyMatch(d -> d.getStagesCount() == stages)) {
        return;
      }
      if (System.nanoTime() > end) {
        throw lack.get().refusal();
      }
      if (!told) {
        told = true;
        said.accept("waiting for " + lack.get().words());
      }
      try {
        Thread.sleep(GLANCE);
      } catch (InterruptedException ending) {
        Thread.currentThread().interrupt();
        throw lack.get().refusal();
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
