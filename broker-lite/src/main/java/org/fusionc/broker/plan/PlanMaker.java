package org.fusionc.broker.plan;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Layout;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.StageNeed;
import org.fusionc.broker.state.Wish;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanValue;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.plan.Unit.Dimension;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.Objective;
import org.fusionc.partitioner.PlanChecker;
import org.fusionc.partitioner.PlanOptions;
import org.fusionc.partitioner.Planner;
import org.fusionc.partitioner.WireFormat;
import org.fusionc.partitioner.cluster.Cluster;

/** Makes the plans of deployments over the live cluster. */
public final class PlanMaker {
  /** Seconds until a lost peer is missed. */
  private static final double DETECTION = 1;

  private PlanMaker() {}

  /**
   * The best plan for a model over a cluster.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if none fits, saying what is short
   */
  public static Plan plan(Module module, Cluster cluster, Wish wish) {
    if (cluster.devices().isEmpty()) {
      throw Diagnostic.infeasible(
              Location.unknown(), "no peer is here", "start one with fusionc peer --broker")
          .exception();
    }
    var options = new PlanOptions(objective(wish.objective()), wish.context(), wish.sessions());
    var plan = Planner.plan(module, cluster, options.withStages(wish.stages()));
    var format = format(wish.encode());
    return recovering(
        format == WireFormat.F32 ? plan : PlanChecker.check(module, encoded(plan, format)));
  }

  /** The plan with what crosses its edges in this format; the numbers are still those of before. */
  private static Plan encoded(Plan plan, WireFormat format) {
    var edges =
        plan.edges().stream()
            .map(edge ->
                new Edge(
                    edge.from(),
                    edge.to(),
                    edge.values(),
                    edge.attributes().with("encode", new PlanValue.Word(format.toString())),
                    edge.origin()))
            .toList();
    return plan.withEdges(edges);
  }

  /**
   * A plan that was given, checked against the model and the peers: its stages must name peers that
   * are here, {@code @NAME} or {@code @NAME.cpu}, and fit them as they were measured.
   */
  public static Plan given(Module module, String text, ClusterState state, Wish wish) {
    var plan = parse(text);
    var cluster = LiveCluster.of(state, "");
    var stages = new ArrayList<Stage>();
    for (var stage : plan.stages()) {
      var name = Peer.ofDevice(stage.device());
      if (!state.is(name, PeerState.ALIVE)) {
        throw Diagnostic.invalid(
                stage.origin().location(),
                "stage "
                    + stage.index()
                    + " is on @"
                    + stage.device()
                    + ", but no such peer is here",
                Suggestion.didYouMean(
                    name, state.peers().keySet(), "the peers are " + state.peers().keySet()))
            .exception();
      }
      stages.add(
          new Stage(
              stage.index(),
              name + ".cpu",
              stage.function(),
              stage.through(),
              stage.attributes(),
              stage.origin()));
    }
    var options = new PlanOptions(objective(wish.objective()), wish.context(), wish.sessions());
    var here = PlanChecker.over(module, plan.withStages(stages), cluster, options);
    return recovering(here);
  }

  /** Whether a plan cuts, places and encodes as a layout's does; the figures do not count. */
  public static boolean same(Plan plan, Layout layout) {
    var other = parse(layout.plan());
    if (plan.stages().size() != other.stages().size()) {
      return false;
    }
    for (int i = 0; i < plan.stages().size(); i++) {
      var one = plan.stages().get(i);
      var two = other.stages().get(i);
      if (!Peer.ofDevice(one.device()).equals(Peer.ofDevice(two.device()))
          || !one.through().equals(two.through())) {
        return false;
      }
    }
    return formats(plan).equals(formats(other));
  }

  /** The edges that do not carry f32; edges may be left out. */
  private static Map<List<Integer>, WireFormat> formats(Plan plan) {
    var formats = new HashMap<List<Integer>, WireFormat>();
    for (var edge : plan.edges()) {
      if (WireFormat.of(edge) != WireFormat.F32) {
        formats.put(List.of(edge.from(), edge.to()), WireFormat.of(edge));
      }
    }
    return formats;
  }

  /** The plan in a FIR text. */
  public static Plan parse(String text) {
    return FirParser.parse(text, "plan", new Graph(), OpRegistry.builtIn())
        .plan()
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named("plan"), "the text holds no plan", "make one with fusionc plan")
                .exception());
  }

  /** With each stage's expected recovery: detection, and a replay of a whole context. */
  static Plan recovering(Plan plan) {
    double context = plan.expect().quantity("context").map(Quantity::base).orElse(4096.0);
    var stages = new ArrayList<Stage>();
    for (var stage : plan.stages()) {
      double prefill = stage.attributes().quantity("prefill").map(Quantity::base).orElse(0.0);
      stages.add(
          new Stage(
              stage.index(),
              stage.device(),
              stage.function(),
              stage.through(),
              stage
                  .attributes()
                  .with(PlanChecker.RECOVER, DETECTION + context * prefill, Dimension.SECONDS),
              stage.origin()));
    }
    return plan.withStages(stages);
  }

  /** The plan as text, and its stages on the peers that it names. */
  public static Layout layout(Plan plan, ClusterState state) {
    var text = FirPrinter.print(Module.empty(new Graph()).withPlan(plan));
    var needs = new ArrayList<StageNeed>();
    var serving = new ArrayList<Peer>();
    for (var stage : plan.stages()) {
      var peer =
          state
              .peer(Peer.ofDevice(stage.device()))
              .orElseThrow(() ->
                  Diagnostic.failed(
                          Location.named("stage " + stage.index()),
                          "its peer @" + stage.device() + " has left meanwhile",
                          "deploy again")
                      .exception());
      serving.add(peer);
      needs.add(
          new StageNeed(
              peer.kind(),
              bytes(stage, "weights"),
              bytes(stage, "kv"),
              bytes(stage, "activations"),
              stage
                  .attributes()
                  .quantity(PlanChecker.RECOVER)
                  .map(Quantity::base)
                  .orElse(DETECTION)));
    }
    return Layout.planned(text, digest(text), needs, serving);
  }

  private static long bytes(Stage stage, String attribute) {
    return (long) Math.ceil(stage.attributes().quantity(attribute).map(Quantity::base).orElse(0.0));
  }

  /** SHA-256 of a plan's text, hexadecimal. */
  public static String digest(String text) {
    try {
      var sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The objective of that name; empty means latency. */
  public static Objective objective(String name) {
    if (name.isEmpty()) {
      return Objective.LATENCY;
    }
    return Arrays.stream(Objective.values())
        .filter(each -> each.toString().equals(name))
        .findFirst()
        .orElseThrow(() ->
            Diagnostic.usage("there is no objective '" + name + "'", "latency or throughput")
                .exception());
  }

  /** The wire format of that name; empty means f32. */
  public static WireFormat format(String name) {
    if (name.isEmpty()) {
      return WireFormat.F32;
    }
    return Arrays.stream(WireFormat.values())
        .filter(each -> each.toString().equals(name))
        .min(Comparator.naturalOrder())
        .orElseThrow(() ->
            Diagnostic.usage("there is no wire format '" + name + "'", "f32, f16, bf16 or q8")
                .exception());
  }
}
