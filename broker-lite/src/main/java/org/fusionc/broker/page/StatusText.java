package org.fusionc.broker.page;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Unit.Dimension;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.PeerStatus;
import org.fusionc.runtime.proto.StageHolders;

/** A cluster's status as tables for a terminal. */
public final class StatusText {
  private final List<List<String>> rows = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  private StatusText() {}

  public static String of(ClusterStatus status) {
    return new StatusText().write(status);
  }

  private String write(ClusterStatus status) {
    text.append("broker ")
        .append(status.getBroker())
        .append(status.getLeader() ? "" : ", stands by");
    text.append('\n');
    if (status.getPeersCount() == 0) {
      text.append("\nno peer is here; start one with fusionc peer --broker ")
          .append(status.getBroker());
      return text.toString();
    }
    row("PEER", "STATE", "ADDRESS", "MEMORY", "THREADS", "F32", "BANDWIDTH", "SEGMENTS");
    status.getPeersList().forEach(this::peer);
    table();
    if (status.getLinksCount() > 0) {
      row("LINK", "LATENCY", "BANDWIDTH");
      for (var link : status.getLinksList()) {
        row(
            link.getFrom() + " -> " + link.getTo(),
            link.getBandwidth() == 0 ? "-" : quantity(link.getLatency(), Dimension.SECONDS),
            link.getBandwidth() == 0
                ? "unreachable"
                : quantity(link.getBandwidth(), Dimension.BYTES_PER_SECOND));
      }
      table();
    }
    status.getDeploymentsList().forEach(this::deployment);
    if (status.getRunsCount() > 0) {
      row("RUN", "DEPLOYMENT", "CLIENT", "SESSIONS", "WAITING", "TOKENS", "ROUTE");
      for (var run : status.getRunsList()) {
        row(
            run.getRun().substring(0, Math.min(8, run.getRun().length())),
            run.getDeployment(),
            run.getClient(),
            String.valueOf(run.getSessions()),
            String.valueOf(run.getWaiting()),
            String.valueOf(run.getTokens()),
            String.join(" -> ", run.getRouteList()));
      }
      table();
    }
    if (status.getRecentRecoveriesCount() > 0) {
      row("RECOVERY", "FROM", "TO", "CAUSE", "TOOK", "EXPECTED", "REPLAYED");
      for (var recovery : status.getRecentRecoveriesList()) {
        row(
            "stage " + recovery.getStage(),
            recovery.getFrom(),
            recovery.getTo(),
            recovery.getCause(),
            quantity(recovery.getSeconds(), Dimension.SECONDS),
            quantity(recovery.getExpectedSeconds(), Dimension.SECONDS),
            recovery.getReplayedTokens() + " tok");
      }
      table();
    }
    return text.toString().stripTrailing();
  }

  private void peer(PeerStatus peer) {
    var flops = peer.getSpeed().getFlopsMap().getOrDefault("f32", 0.0);
    row(
        peer.getName(),
        peer.getState(),
        peer.getAddress(),
        quantity((double) peer.getMemoryUsed(), Dimension.BYTES)
            + " of "
            + quantity((double) peer.getMemory(), Dimension.BYTES),
        String.valueOf(peer.getThreads()),
        flops == 0 ? "-" : quantity(flops, Dimension.OPERATIONS_PER_SECOND),
        peer.getSpeed().getBandwidth() == 0
            ? "-"
            : quantity(peer.getSpeed().getBandwidth(), Dimension.BYTES_PER_SECOND),
        peer.getSegmentsList().stream()
            .map(s ->
                s.getDeployment()
                    + "/"
                    + s.getStage()
                    + " "
                    + s.getPhase().name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", ")));
  }

  private void deployment(DeploymentView view) {
    text.append("\ndeployment ")
        .append(view.getName())
        .append(": ")
        .append(view.getReady() ? "ready" : view.getMessage())
        .append(", context ")
        .append(view.getContext())
        .append(", ")
        .append(view.getPages())
        .append(" pages of ")
        .append(view.getPageTokens())
        .append('\n');
    row("STAGE", "SERVED BY", "STANDING BY", "EXPECTED RECOVERY");
    for (int stage = 0; stage < view.getStagesCount(); stage++) {
      var holders = view.getStages(stage);
      row(
          String.valueOf(stage),
          named(holders, 0, Math.min(1, holders.getHoldersCount())),
          named(holders, 1, holders.getHoldersCount()),
          quantity(holders.getExpectedRecoverySeconds(), Dimension.SECONDS));
    }
    rowsToText();
  }

  private static String named(StageHolders holders, int from, int to) {
    if (from >= to) {
      return "nobody";
    }
    return holders.getHoldersList().subList(from, to).stream()
        .map(holder -> holder.getPeer() + (holder.getReady() ? "" : " (not ready)"))
        .collect(Collectors.joining(", "));
  }

  private static String quantity(double value, Dimension dimension) {
    return Quantity.readable(value, dimension).toString();
  }

  private void row(String... cells) {
    rows.add(List.of(cells));
  }

  private void table() {
    text.append('\n');
    rowsToText();
  }

  private void rowsToText() {
    int columns = rows.getFirst().size();
    var widths = new int[columns];
    for (var row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (var row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    rows.clear();
  }
}
