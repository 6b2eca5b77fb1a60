package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.broker.plan.PlanMaker;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.cluster.ArtifactDigests;
import org.fusionc.runtime.cluster.ClusterModel;
import org.fusionc.runtime.cluster.Wishes;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.FirFile;
import org.fusionc.runtime.proto.DeployRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc deploy}. */
@Command(
    name = "deploy",
    mixinStandardHelpOptions = true,
    description = "Brings a model to a cluster, and waits until its peers are ready to run it.")
final class DeployCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Mixin private QuantizeOption quantize = new QuantizeOption();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "of the deployment (default: the model's, and a part of its digest)")
  private String name = "";

  @Mixin private ObjectiveOption objective = new ObjectiveOption();

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "positions per session (default: 4096, or the model's)")
  private int context;

  @Option(names = "--sessions", paramLabel = "N", description = "at once (default: 8)")
  private int sessions;

  @Option(
      names = "--encode",
      paramLabel = "FORMAT",
      description = "how activations travel: f32, f16, bf16 or q8 (default: f32)")
  private String encode = "";

  @Option(
      names = "--stages",
      paramLabel = "N",
      description = "exactly so many (default: as many as is best)")
  private int stages;

  @Option(
      names = "--plan",
      paramLabel = "FILE.fir",
      description = "this plan, whose devices are peers: @NAME or @NAME.cpu")
  private @Nullable Path plan;

  @Override
  public Integer call() {
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    if (plan != null && stages != 0) {
      throw Diagnostic.usage("--plan says how many stages there are", "leave --stages away")
          .exception();
    }
    var cut =
        plan == null ? new Compiler.Cut.Whole() : new Compiler.Cut.Planned(FirFile.readPlan(plan));
    // Here too, since the broker is asked only once an artifact is made.
    var _ = PlanMaker.format(encode);
    if (!name.isEmpty()) {
      Wishes.checkName(name);
    }
    var wish =
        DeployRequest.newBuilder()
            .setName(name)
            .setObjective(objective.given().map(o -> o.name().toLowerCase(Locale.ROOT)).orElse(""))
            .setContext(context)
            .setSessions(sessions)
            .setEncode(encode)
            .setStages(stages)
            .build();
    try (var source = model.open();
        var client = cluster.connect()) {
      new ClusterModel(client, source, model.path(), quantize.rules(), ArtifactDigests.ofUser())
          .deploy(
              wish,
              cut,
              message -> {
                out.println(message);
                out.flush();
              });
    }
    return 0;
  }
}
