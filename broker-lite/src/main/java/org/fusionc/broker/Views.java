package org.fusionc.broker;

import com.google.protobuf.ByteString;
import java.util.HexFormat;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.PeerState;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.LinkStatus;
import org.fusionc.runtime.proto.PeerStatus;
import org.fusionc.runtime.proto.SegmentRole;
import org.fusionc.runtime.proto.Speed;
import org.fusionc.runtime.proto.StageHolder;
import org.fusionc.runtime.proto.StageHolders;

/** The state as others see it. */
final class Views {
  private Views() {}

  static DeploymentView of(Deployment deployment) {
    var layout = deployment.current();
    var view =
        DeploymentView.newBuilder()
            .setName(deployment.name())
            .setManifest(deployment.manifest())
            .setVersion(deployment.version())
            .setPlan(layout.plan())
            .setPlanDigest(ByteString.copyFrom(HexFormat.of().parseHex(layout.digest())))
            .setContext(deployment.wish().context())
            .setPages(deployment.pages())
            .setPageTokens(deployment.pageTokens())
            .setReady(layout.ready())
            .setMessage(message(deployment));
    for (int stage = 0; stage < layout.stages(); stage++) {
      var holders =
          StageHolders.newBuilder()
              .setExpectedRecoverySeconds(layout.needs().get(stage).recovery());
      for (var holder : layout.holders().get(stage)) {
        holders.addHolders(
            StageHolder.newBuilder()
                .setPeer(holder.peer())
                .setAddress(holder.address())
                .setRole(holders.getHoldersCount() == 0 ? SegmentRole.SERVING : SegmentRole.STANDBY)
                .setReady(holder.ready()));
      }
      view.addStages(holders);
    }
    return view.build();
  }

  /** Why a deployment is not ready; empty if it is. */
  private static String message(Deployment deployment) {
    var layout = deployment.current();
    for (int stage = 0; stage < layout.stages(); stage++) {
      var holders = layout.holders().get(stage);
      if (holders.isEmpty()) {
        return "stage %d waits for a peer with %d MiB of free memory"
            .formatted(stage, (layout.needs().get(stage).bytes() >> 20) + 1);
      }
      if (!holders.getFirst().ready()) {
        return "stage " + stage + " is being prepared by " + holders.getFirst().peer();
      }
    }
    return "";
  }

  static ClusterStatus status(String broker, ClusterState state, Membership membership, Runs runs) {
    var status = ClusterStatus.newBuilder().setBroker(broker).setLeader(true);
    for (var peer : state.peers().values()) {
      var line =
          PeerStatus.newBuilder()
              .setName(peer.name())
              .setAddress(peer.address())
              .setState(peer.state().toString())
              .setMemory(peer.memory())
              .setThreads(peer.threads())
              .setKind(peer.kind())
              .setSecondsSinceReport(membership.secondsSinceReport(peer.name()));
      if (peer.speed() != null) {
        line.setSpeed(
            Speed.newBuilder()
                .putAllFlops(peer.speed().flops())
                .setBandwidth(peer.speed().bandwidth()));
      }
      var report = membership.lastReport(peer.name());
      if (report != null) {
        line.setMemoryUsed(report.getMemoryUsed()).addAllSegments(report.getSegmentsList());
      }
      status.addPeers(line);
    }
    state
        .links()
        .forEach((link, figure) -> {
          if (!state.is(link.from(), PeerState.LOST) && !state.is(link.to(), PeerState.LOST)) {
            status.addLinks(
                LinkStatus.newBuilder()
                    .setFrom(link.from())
                    .setTo(link.to())
                    .setLatency(figure.latency())
                    .setBandwidth(figure.bandwidth()));
          }
        });
    state.deployments().values().forEach(each -> status.addDeployments(of(each)));
    return status.addAllRuns(runs.live()).addAllRecentRecoveries(runs.recoveries()).build();
  }
}
