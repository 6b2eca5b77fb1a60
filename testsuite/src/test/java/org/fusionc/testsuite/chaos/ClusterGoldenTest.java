package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.testsuite.model.Models;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three stages in three processes give the tokens of the reference implementation. */
class ClusterGoldenTest {
  private static final List<String> MODELS =
      List.of("stories260K", "shakespeare-1m", "random/qwen3", "random/gemma2", "random/mixtral");
  private static final int STAGES = 3;

  @TempDir private Path folder;

  @Test
  void theTokensAreThoseOfTheReferenceAndOfOneProcess() {
    try (var cluster = cluster()) {
      try (var deployment = new Deployment(cluster.address(), Talk.model(), STAGES, 1, "f32");
          var run = deployment.open(1, RunListener.none())) {
        var talk = Talk.of(deployment);
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
        assertThat(run.peers()).hasSize(STAGES).doesNotHaveDuplicates();
      }
      var shared = Models.shared();
      // One prompt of one model: the others take minutes on a machine that does other things too.
      golden(cluster, shared.resolve(MODELS.getFirst()), 1);
    }
  }

  @Test
  @Tag("chaos")
  void allGoldenTokens() {
    var shared = Models.shared();
    try (var cluster = cluster()) {
      for (var name : MODELS) {
        golden(cluster, shared.resolve(name), Integer.MAX_VALUE);
      }
    }
  }

  private static void golden(Cluster cluster, Path model, int prompts) {
    var golden = Models.golden(model);
    assertThat(golden).isNotEmpty();
    String name;
    try (var deployment = new Deployment(cluster.address(), model, STAGES, 1, "f32")) {
      name = deployment.view().getName();
      try (var run = deployment.open(1, RunListener.none())) {
        for (var each : golden.subList(0, Math.min(prompts, golden.size()))) {
          var given = complete(run.engine(), each.prompt(), each.greedy().size());
          assertThat(given.ids()).as(name).isEqualTo(each.greedy());
        }
        assertThat(run.peers()).as(name).hasSize(STAGES).doesNotHaveDuplicates();
      }
      deployment.client().undeploy(name);
    }
  }

  /** How far rounding on the way moves logits: figures for the pages, and a bound on nonsense. */
  @Test
  @Tag("chaos")
  void logitsOverRoundedEdges() {
    var models = new LinkedHashMap<String, Path>();
    models.put("examples/shakespeare", Talk.model());
    var shared = Models.example().resolveSibling("../../shared/models").normalize();
    MODELS.stream()
        .filter(name -> Files.isDirectory(shared.resolve(name)))
        .forEach(name -> models.put(name, shared.resolve(name)));
    try (var cluster = cluster()) {
      models.forEach((name, model) -> {
        var exact = logits(cluster, model, "f32");
        for (var format : List.of("f16", "bf16", "q8")) {
          double largest = 0;
          double spread = 0;
          int same = 0;
          var rounded = logits(cluster, model, format);
          for (int i = 0; i < exact.size(); i++) {
            var before = exact.get(i).logits();
            var after = rounded.get(i).logits();
            for (int k = 0; k < before.length; k++) {
              largest = Math.max(largest, Math.abs(after[k] - before[k]));
              spread = Math.max(spread, Math.abs(before[k]));
            }
            same += exact.get(i).ids().equals(rounded.get(i).ids()) ? 1 : 0;
          }
          System.out.printf(
              "%s over %s: largest difference of a logit %.2g (largest logit %.3g); %d of %d texts"
                  + " are the same%n",
              name, format, largest, spread, same, exact.size());
          assertThat(largest).isLessThan(spread);
        }
      });
    }
  }

  private static List<Completion> logits(Cluster cluster, Path model, String format) {
    try (var deployment = new Deployment(cluster.address(), model, STAGES, 1, format)) {
      var name = deployment.view().getName();
      var all = new ArrayList<Completion>();
      try (var run = deployment.open(1, RunListener.none())) {
        var prompts =
            Files.exists(model.resolve("golden.json"))
                ? Models.golden(model).stream().map(Models.Golden::prompt).toList()
                : List.of(List.of(835, 26), List.of(1, 40, 7, 19, 3, 25, 60, 11));
        for (var prompt : prompts) {
          all.add(complete(run.engine(), prompt, 64));
        }
      }
      deployment.client().undeploy(name);
      return all;
    }
  }

  private static Completion complete(Engine engine, List<Integer> prompt, int tokens) {
    var request = new Request(prompt, SamplingOptions.greedy(), tokens, Set.of());
    return engine.submit(request, id -> true).await();
  }

  private Cluster cluster() {
    var cluster = Cluster.start(folder);
    try {
      for (int i = 0; i < STAGES; i++) {
        cluster.peer("p" + i);
      }
      cluster.peers().values().forEach(Cluster::awaitJoined);
      return cluster;
    } catch (RuntimeException | Error failure) {
      cluster.close();
      throw failure;
    }
  }
}
