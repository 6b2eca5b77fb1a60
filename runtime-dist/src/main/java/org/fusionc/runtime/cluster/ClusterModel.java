package org.fusionc.runtime.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.artifact.Artifact;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DeploymentView;
import org.jspecify.annotations.Nullable;

/** Brings a model to a cluster: makes an artifact of it, puts its blobs, and has it deployed. */
public final class ClusterModel {
  private static final String BACKEND = "cpu";
  private static final int NAME_LENGTH = 50;
  private static final int DIGEST_LENGTH = 12;

  private final BrokerClient client;
  private final ModelSource source;
  private final Path path;
  private final @Nullable String quantize;
  private final ArtifactDigests digests;

  /**
   * @param source the model, not cut yet
   * @param path where it is: a model directory, or an artifact, whose blobs are put as they are
   * @param quantize the formats of weights, as {@code --quantize} takes them; null leaves them
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if an artifact is to be quantised
   */
  public ClusterModel(
      BrokerClient client,
      ModelSource source,
      Path path,
      @Nullable String quantize,
      ArtifactDigests digests) {
    if (quantize != null && Artifact.isArtifact(path)) {
      throw Diagnostic.usage(
              "--quantize: " + source.name() + " is an artifact, which is deployed as it is",
              "give the model, or an artifact that was compiled with --quantize")
          .exception();
    }
    this.client = client;
    this.source = source;
    this.path = path;
    this.quantize = quantize;
    this.digests = digests;
  }

  /**
   * Deploys it. What is deployed already as it is wished is left as it is.
   *
   * @param wish what the broker shall plan for; the manifest is filled in, and a name derived from
   *     the model's name and content unless there is one
   * @param cut how it shall be cut, unless the broker is to choose
   * @param said hears what is going on, for people
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the model has been cut already, it is
   *     deployed with other options, or the broker refuses or cannot be reached
   */
  public DeploymentView deploy(DeployRequest wish, Compiler.Cut cut, Consumer<String> said) {
    return bring(wish, cut, said, there -> Optional.empty());
  }

  /**
   * Deploys it unless it is deployed and ready, be it with other options: for whoever is content
   * with so many stages.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException as {@link #deploy}
   */
  public DeploymentView use(DeployRequest wish, Compiler.Cut cut, Consumer<String> said) {
    return bring(wish, cut, said, there -> Optional.of(there).filter(view -> fits(view, cut)));
  }

  /**
   * @param content gives what is there, where that will do without asking the broker
   */
  private DeploymentView bring(
      DeployRequest wish,
      Compiler.Cut cut,
      Consumer<String> said,
      Function<DeploymentView, Optional<DeploymentView>> content) {
    if (source.phase().compareTo(Phase.QUANTIZED) > 0) {
      throw Diagnostic.invalid(
              Location.named(source.name()),
              "it has been compiled to phase " + source.phase() + ", and can be cut no more",
              "deploy the model itself, or an artifact of phase " + Phase.QUANTIZED)
          .exception();
    }
    // Whatever can be known to be wrong is said before an artifact is made.
    if (!wish.getName().isEmpty()) {
      Wishes.checkName(wish.getName());
    }
    Wishes.checkSizes(wish, source.context());
    Path temporary = null;
    try {
      var key = Artifact.isArtifact(path) ? "" : ArtifactDigests.key(source, path, quantize);
      var known = key.isEmpty() ? Optional.of(digest(path)) : digests.find(key);
      if (known.isPresent()) {
        var view = there(request(wish, cut, known.get()), said, content);
        if (view.isPresent()) {
          return view.get();
        }
      }
      var compiled = compiled();
      int stages = stages(wish, cut);
      if (cut instanceof Compiler.Cut.Planned(var plan)) {
        Wishes.awaitPeers(client, plan, said);
      } else {
        if (stages > 1) {
          // Only whether there are that many places to cut; the broker chooses them.
          var _ = InProcess.stages(compiled.module(), stages);
        }
        Wishes.awaitPeers(client, stages, said);
      }
      Wishes.awaitMemory(client, compiled.module(), wish, source.context(), stages, said);
      var artifact = path;
      if (!key.isEmpty()) {
        temporary = Files.createTempDirectory("fusionc-deploy");
        artifact = temporary.resolve("artifact");
        said.accept("making an artifact of " + source.name());
        write(compiled, artifact);
        digests.keep(key, digest(artifact));
      }
      var request = request(wish, cut, digest(artifact));
      var view = there(request, said, content);
      if (view.isPresent()) {
        return view.get();
      }
      put(artifact, said);
      return deploy(request, said);
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(source.name()),
              "an artifact cannot be made of it: " + IoReason.of(failure),
              "check the space in " + System.getProperty("java.io.tmpdir"))
          .exception();
    } finally {
      if (temporary != null) {
        delete(temporary);
      }
    }
  }

  /** What is deployed, if that is this model and ready; the broker refuses other options. */
  private Optional<DeploymentView> there(
      DeployRequest request,
      Consumer<String> said,
      Function<DeploymentView, Optional<DeploymentView>> content) {
    return client
        .deployment(request.getName())
        .filter(view -> view.getReady() && view.getManifest().equals(request.getManifest()))
        .map(view -> content.apply(view).orElseGet(() -> deploy(request, said)));
  }

  private static int stages(DeployRequest wish, Compiler.Cut cut) {
    return switch (cut) {
      case Compiler.Cut.Whole() -> wish.getStages();
      case Compiler.Cut.Stages(int count) -> count;
      // A plan may give one peer several stages.
      case Compiler.Cut.Planned _ -> 0;
    };
  }

  private static String digest(Path artifact) {
    try (var opened = Artifact.open(artifact)) {
      return opened.digest();
    }
  }

  private DeployRequest request(DeployRequest wish, Compiler.Cut cut, String digest) {
    var request = wish.toBuilder().setManifest(digest);
    if (wish.getName().isEmpty()) {
      request.setName(name(path, digest));
    }
    switch (cut) {
      case Compiler.Cut.Whole() -> {}
      case Compiler.Cut.Stages(int count) -> request.setStages(count);
      case Compiler.Cut.Planned(var plan) ->
          request.setPlan(FirPrinter.print(Module.empty(new Graph()).withPlan(plan)));
    }
    return request.build();
  }

  private Compiler.Compiled compiled() {
    var options =
        Compiler.Options.whole(Compiler.backend(BACKEND), Phase.QUANTIZED).quantized(quantize);
    return Compiler.compile(source.module(), source.phase(), options);
  }

  private void write(Compiler.Compiled compiled, Path artifact) {
    var computing =
        new ArtifactBuilder.Computing(
            Compiler.backend(BACKEND), Runtime.getRuntime().availableProcessors());
    ArtifactBuilder.write(
        source,
        compiled.module(),
        compiled.phase(),
        artifact,
        computing,
        (symbol, index, count) -> {});
  }

  private static String name(Path path, String digest) {
    var file = path.toAbsolutePath().normalize().getFileName();
    var plain =
        (file == null ? "model" : file.toString())
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9._-]", "-");
    var hex = digest.substring(digest.indexOf(':') + 1);
    return plain.substring(0, Math.min(NAME_LENGTH, plain.length()))
        + "-"
        + hex.substring(0, DIGEST_LENGTH);
  }

  private void put(Path artifact, Consumer<String> said) {
    int[] told = {-1};
    var _ =
        client.put(
            artifact,
            share -> {
              int tenth = (int) (10 * share);
              if (tenth > told[0]) {
                told[0] = tenth;
                said.accept("putting its blobs: " + 10 * tenth + " %");
              }
            });
  }

  /** The blobs are there. */
  private DeploymentView deploy(DeployRequest request, Consumer<String> said) {
    String[] last = {""};
    return client.deploy(
        request,
        step -> {
          // The share of the work that is done changes more often than the words.
          if (!step.getMessage().equals(last[0])) {
            last[0] = step.getMessage();
            said.accept(last[0]);
          }
        });
  }

  private static boolean fits(DeploymentView there, Compiler.Cut cut) {
    return switch (cut) {
      case Compiler.Cut.Whole() -> true;
      case Compiler.Cut.Stages(int count) -> count == there.getStagesCount();
      case Compiler.Cut.Planned _ -> false;
    };
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException left) {
      // The system clears its temporary folder at some time.
    }
  }
}
