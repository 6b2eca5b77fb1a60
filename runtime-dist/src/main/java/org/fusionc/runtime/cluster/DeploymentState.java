package org.fusionc.runtime.cluster;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.text.FirParser;
import org.fusionc.partitioner.WireFormat;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.proto.DeploymentView;

/**
 * A deployment as the broker last said it to be.
 *
 * @param name of the deployment
 * @param version grows with every change
 * @param planDigest SHA-256 of the plan's text
 * @param plain whether what crosses every edge arrives bit by bit as it was, so that another plan
 *     of this kind gives the same tokens
 * @param stages in order
 * @param context positions that a session can have; 0 if not stated
 * @param pages of the KV cache of each stage, for all runs together
 * @param pageTokens positions per page
 */
public record DeploymentState(
    String name,
    long version,
    ByteString planDigest,
    boolean plain,
    List<Stage> stages,
    int context,
    int pages,
    int pageTokens) {
  /**
   * Who can serve a stage.
   *
   * @param ready those that are ready now, the one to use first in front
   * @param others those that are getting it
   * @param expectedRecovery seconds, as the plan states it; 0 if it does not
   */
  public record Stage(List<Holder> ready, List<Holder> others, double expectedRecovery) {
    public Stage {
      ready = List.copyOf(ready);
      others = List.copyOf(others);
    }
  }

  public DeploymentState {
    stages = List.copyOf(stages);
  }

  /**
   * Reads what a broker sent.
   *
   * @return empty if there is no plan yet
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan or an address is malformed
   */
  public static Optional<DeploymentState> of(DeploymentView view) {
    if (view.getPlan().isEmpty()) {
      return Optional.empty();
    }
    var plan = plan(view);
    var stages = new ArrayList<Stage>();
    for (var holders : view.getStagesList()) {
      var ready = new ArrayList<Holder>();
      var others = new ArrayList<Holder>();
      for (var holder : holders.getHoldersList()) {
        var address = Address.parse(holder.getAddress());
        (holder.getReady() ? ready : others).add(new Holder(holder.getPeer(), address));
      }
      stages.add(new Stage(ready, others, holders.getExpectedRecoverySeconds()));
    }
    if (stages.size() != plan.stages().size()) {
      throw Diagnostic.invalid(
              Location.named("deployment " + view.getName()),
              "its plan has %d stages, but the broker names holders of %d"
                  .formatted(plan.stages().size(), stages.size()),
              "update the broker")
          .exception();
    }
    boolean plain = plan.edges().stream().allMatch(e -> WireFormat.of(e) == WireFormat.F32);
    return Optional.of(
        new DeploymentState(
            view.getName(),
            view.getVersion(),
            view.getPlanDigest(),
            plain,
            stages,
            view.getContext(),
            view.getPages(),
            view.getPageTokens()));
  }

  private static Plan plan(DeploymentView view) {
    var name = "plan of " + view.getName();
    return FirParser.parse(view.getPlan(), name, new Graph(), OpRegistry.builtIn())
        .plan()
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(name), "there is no plan in the broker's text", "update it")
                .exception());
  }
}
