package org.fusionc.testsuite.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The models that tests run: the example, and the checkpoints beside the repository if they are
 * there.
 */
public final class Models {
  /** A prompt and what the reference implementation makes of it. */
  public record Golden(List<Integer> prompt, List<Integer> greedy, double[] logits) {}

  private Models() {}

  public static Path example() {
    return Repository.root().resolve("examples/shakespeare");
  }

  /** The folder of checkpoints; the test is skipped, saying so, if it is not there. */
  public static Path shared() {
    var root = Repository.root().resolveSibling("shared").resolve("models");
    if (!Files.isDirectory(root)) {
      Assumptions.abort("shared/models is not beside the repository: no golden tokens to compare");
    }
    return root;
  }

  /** The checkpoints with golden tokens; the test is skipped, saying so, if they are not there. */
  static List<Path> withGolden() {
    var root = shared();
    try (var found = Files.walk(root, 2)) {
      return found
          .filter(d -> Files.exists(d.resolve("golden.json")))
          .filter(d -> Files.exists(d.resolve("config.json")))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static List<Golden> golden(Path model) {
    var root = new JsonMapper().readTree(model.resolve("golden.json").toFile());
    var cases = new ArrayList<Golden>();
    for (var entry : root.isArray() ? root : root.get("cases")) {
      var logits = entry.get("last_prompt_logits");
      cases.add(
          new Golden(
              ints(entry.get("prompt_ids")),
              ints(entry.get("greedy_ids")),
              logits == null ? new double[0] : doubles(logits)));
    }
    return cases;
  }

  private static List<Integer> ints(JsonNode array) {
    var list = new ArrayList<Integer>();
    array.forEach(x -> list.add(x.asInt()));
    return list;
  }

  private static double[] doubles(JsonNode array) {
    var list = new double[array.size()];
    for (int i = 0; i < list.length; i++) {
      list[i] = array.get(i).asDouble();
    }
    return list;
  }

  static ModelSource open(Path model) {
    return ModelSource.open(model, DType.Scalar.F32);
  }

  static Compiler.Compiled compile(ModelSource source, String backend, Compiler.Cut cut) {
    var options = Compiler.Options.of(cut, Compiler.backend(backend), Phase.SCHEDULED);
    return Compiler.compile(source.module(), source.phase(), options);
  }

  static Engine engine(ModelSource source, String backend, Compiler.Cut cut, int sessions) {
    int pages = Engine.pages(source.context(), sessions);
    return Engine.start(
        source,
        compile(source, backend, cut),
        Compiler.backend(backend),
        new Engine.Options(2, source.context(), pages, false));
  }

  static Completion greedy(Engine engine, List<Integer> prompt, int tokens) {
    var request = new Request(prompt, SamplingOptions.greedy(), tokens, Set.of());
    return engine.submit(request, id -> true).await();
  }
}
