package org.fusionc.broker;

import io.grpc.Context;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.fusionc.broker.plan.LiveCluster;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.plan.PlanMaker;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Link;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.state.Wish;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.cluster.Wishes;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.proto.DeployProgress;
import org.fusionc.runtime.proto.DeployRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes models into use, and out of it. */
final class Deployments {
  private static final Logger LOG = LoggerFactory.getLogger(Deployments.class);

  /** How long a deployment waits for the first figures of peers and links. */
  private static final Duration MEASURES = Duration.ofSeconds(4);

  private final Ledger ledger;
  private final Membership membership;
  private final BlobDirectory blobs;
  private final Models models;

  /** Held while blobs are deleted, or come to be needed. */
  private final Object dropping = new Object();

  Deployments(Ledger ledger, Membership membership, BlobDirectory blobs, Models models) {
    this.ledger = ledger;
    this.membership = membership;
    this.blobs = blobs;
    this.models = models;
  }

  /**
   * Plans, stores the plan, and follows what the peers make of it until all is ready or the caller
   * has gone.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be
   */
  void deploy(DeployRequest request, Consumer<DeployProgress> progress)
      throws InterruptedException {
    Wishes.checkName(request.getName());
    if (!takeUp(request, progress)) {
      progress.accept(say(request.getName() + " is deployed already", 0));
    }
    follow(request.getName(), progress);
  }

  private static DeployProgress say(String message, double share) {
    return DeployProgress.newBuilder().setMessage(message).setProgress(share).build();
  }

  /** Whether it is new. */
  private boolean takeUp(DeployRequest request, Consumer<DeployProgress> progress)
      throws InterruptedException {
    if (isThere(request)) {
      return false;
    }
    // All of its blobs must be here: peers will ask for them.
    var _ = models.manifest(request.getManifest());
    var model = models.model(request.getManifest());
    awaitMeasures();
    // One at a time: each takes memory that the next one must not count on.
    synchronized (this) {
      if (isThere(request)) {
        return false;
      }
      var wish = wish(request, model.context());
      var state = ledger.state();
      var plan =
          request.getPlan().isEmpty()
              ? PlanMaker.plan(model.module(), LiveCluster.of(state, ""), wish)
              : PlanMaker.given(model.module(), request.getPlan(), state, wish);
      var layout = PlanMaker.layout(plan, state);
      var deployment =
          new Deployment(
              request.getName(),
              request.getManifest(),
              wish,
              Engine.pages(wish.context(), wish.sessions()),
              Engine.PAGE_TOKENS,
              layout,
              null,
              // Views of a later deployment of the same name count on.
              System.currentTimeMillis(),
              System.currentTimeMillis());
      synchronized (dropping) {
        // They may have been another deployment's, which has been taken away meanwhile.
        var _ = models.manifest(request.getManifest());
        ledger.update(s -> s.withDeployment(deployment));
      }
      LOG.info(
          "deployment {}: {} stages on {}, context {}, {} sessions, plan {}",
          deployment.name(),
          layout.stages(),
          layout.holders().stream().map(holders -> holders.getFirst().peer()).toList(),
          wish.context(),
          wish.sessions(),
          layout.digest().substring(0, 12));
      progress.accept(
          say(
              "planned %d stages: %s"
                  .formatted(
                      layout.stages(),
                      String.join(
                          " -> ", plan.stages().stream().map(s -> "@" + s.device()).toList())),
              0));
      return true;
    }
  }

  private boolean isThere(DeployRequest request) {
    var there = ledger.state().deployments().get(request.getName());
    if (there == null) {
      return false;
    }
    var other = differences(there, request);
    if (!other.isEmpty()) {
      throw Diagnostic.usage(
              "deployment " + request.getName() + " is there already, " + other,
              "give the new one another name, or undeploy this one first")
          .exception();
    }
    return true;
  }

  /** What is asked for otherwise than it is; empty if nothing is. What is left out will do. */
  private static String differences(Deployment there, DeployRequest request) {
    if (!there.manifest().equals(request.getManifest())) {
      return "and is another model";
    }
    if (!request.getPlan().isEmpty()
        && !PlanMaker.same(PlanMaker.parse(request.getPlan()), there.current())) {
      return "with another plan";
    }
    var wish = there.wish();
    var other = new ArrayList<String>();
    difference(other, "objective", wish.objective(), request.getObjective());
    difference(other, "context", wish.context(), request.getContext());
    difference(other, "sessions", wish.sessions(), request.getSessions());
    if (request.getPlan().isEmpty()) {
      difference(other, "encode", wish.encode(), request.getEncode());
      difference(other, "stages", there.current().stages(), request.getStages());
    }
    return other.isEmpty() ? "" : "with " + String.join(", ", other);
  }

  private static void difference(List<String> other, String name, Object is, Object asked) {
    if (!asked.equals("") && !asked.equals(0) && !asked.equals(is)) {
      other.add(name + " " + is + ", not " + asked);
    }
  }

  private static Wish wish(DeployRequest request, int most) {
    Wishes.checkSizes(request, most);
    return new Wish(
        PlanMaker.objective(request.getObjective()).toString(),
        Wishes.context(request, most),
        Wishes.sessions(request),
        PlanMaker.format(request.getEncode()).toString(),
        request.getStages(),
        !request.getPlan().isEmpty());
  }

  /** Waits, but not for long, until every peer and link that is here has been measured once. */
  private void awaitMeasures() throws InterruptedException {
    long end = System.nanoTime() + MEASURES.toNanos();
    long seen = -1;
    while (System.nanoTime() < end && !measured(ledger.state())) {
      seen = ledger.await(seen, Duration.ofMillis(200));
    }
  }

  private static boolean measured(ClusterState state) {
    var here = state.peers().values().stream().filter(p -> p.state() == PeerState.ALIVE).toList();
    if (here.isEmpty()) {
      return false;
    }
    for (var peer : here) {
      if (peer.speed() == null) {
        return false;
      }
      for (var other : here) {
        if (!peer.equals(other)
            && !state.links().containsKey(new Link(peer.name(), other.name()))) {
          return false;
        }
      }
    }
    return true;
  }

  private void follow(String name, Consumer<DeployProgress> progress) throws InterruptedException {
    long seen = -1;
    var last = DeployProgress.getDefaultInstance();
    while (!Context.current().isCancelled()) {
      seen = ledger.await(seen, Duration.ofMillis(500));
      var state = ledger.state();
      var deployment = state.deployments().get(name);
      if (deployment == null) {
        throw Diagnostic.failed(
                Location.named("deployment " + name), "it has been undeployed meanwhile", "")
            .exception();
      }
      var view = Views.of(deployment);
      if (view.getReady()) {
        progress.accept(
            DeployProgress.newBuilder()
                .setMessage(name + " is ready")
                .setProgress(1)
                .setReady(view)
                .build());
        return;
      }
      var now = progress(state, deployment, view.getMessage());
      if (!now.equals(last)) {
        last = now;
        progress.accept(now);
      }
    }
  }

  /** How far the stages are: fetching is most of the way, compiling the rest. */
  private DeployProgress progress(ClusterState state, Deployment deployment, String message) {
    double sum = 0;
    var text = message;
    var layout = deployment.current();
    for (int stage = 0; stage < layout.stages(); stage++) {
      for (var holder : layout.holders().get(stage).stream().limit(1).toList()) {
        sum += holder.ready() ? 1 : progress(deployment, holder.peer(), stage);
      }
    }
    for (var peer : state.peers().keySet()) {
      for (var held : state.held().getOrDefault(peer, List.of())) {
        if (held.failed() && held.key().deployment().equals(deployment.name())) {
          text = message + "; peer " + peer + ": " + held.failure();
        }
      }
    }
    return say(text, Math.floor(100 * sum / layout.stages()) / 100);
  }

  private double progress(Deployment deployment, String peer, int stage) {
    var report = membership.lastReport(peer);
    if (report == null) {
      return 0;
    }
    return report.getSegmentsList().stream()
        .filter(s -> s.getDeployment().equals(deployment.name()) && s.getStage() == stage)
        .mapToDouble(s ->
            switch (s.getPhase()) {
              case FETCHING -> 0.8 * s.getProgress();
              case COMPILING -> 0.8 + 0.2 * s.getProgress();
              case READY -> 1;
              default -> 0;
            })
        .max()
        .orElse(0);
  }

  /** Takes a deployment away; whether there was one. */
  boolean undeploy(String name) {
    var gone = ledger.state().deployments().get(name);
    if (gone == null) {
      return false;
    }
    ledger.update(state -> state.withoutDeployment(name));
    LOG.info("deployment {} is taken away", name);
    drop(gone.manifest());
    return true;
  }

  /**
   * Deletes those blobs of a model that no deployment refers to any more. Others stay: they may be
   * on their way here, to be deployed next.
   */
  private void drop(String manifest) {
    synchronized (dropping) {
      try {
        var unused = models.blobs(List.of(manifest));
        unused.removeAll(models.blobs(ledger.state().manifests()));
        long freed = 0;
        for (var digest : unused) {
          freed += blobs.state(digest).bytes();
          blobs.delete(digest);
        }
        LOG.info("deleted {} MiB of blobs that no deployment uses", freed >> 20);
      } catch (IOException | DiagnosticException failure) {
        // What cannot be read must not make others' blobs vanish; they go when they are old.
        LOG.warn("unused blobs were not deleted: {}", failure.toString());
      }
    }
  }

  /**
   * Deletes what has been here for so long and no deployment refers to.
   *
   * @return how many bytes
   */
  long dropUnused(Duration age) throws IOException {
    synchronized (dropping) {
      return blobs.deleteOthers(models.blobs(ledger.state().manifests()), age);
    }
  }

  /** Whether a peer's work has been handed over; otherwise what is left, for people. */
  static String left(ClusterState state, Peer peer) {
    for (var deployment : state.deployments().values()) {
      var holders = deployment.current().holders();
      for (int stage = 0; stage < holders.size(); stage++) {
        if (holders.get(stage).stream().anyMatch(h -> h.peer().equals(peer.name()))) {
          return holders.get(stage).size() > 1
              ? "stage %d of %s: %s prepares to take over"
                  .formatted(stage, deployment.name(), holders.get(stage).get(1).peer())
              : "stage %d of %s: no other peer has room for it".formatted(stage, deployment.name());
        }
      }
    }
    long used =
        state.held().getOrDefault(peer.name(), List.of()).stream()
            .filter(held -> held.runs() > 0)
            .count();
    return used > 0 ? "runs still use %d of its stages".formatted(used) : "";
  }
}
