package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.CheckpointWeights;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.interpret.InterpreterBackend;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs an imported model in the interpreter against what its golden.json says. */
final class GoldenCases {
  private static final int PAGES = 64;
  private static final int PAGE_TOKENS = 16;

  private GoldenCases() {}

  /**
   * Compares greedily chosen ids, and the logits after the prompt where they are given.
   *
   * @param most ids to compare per prompt
   */
  static void check(Path model, int most) {
    var golden = JsonMapper.shared().readTree(model.resolve("golden.json").toFile());
    try (var checkpoint = Checkpoint.open(model)) {
      var module = new ModelImporter().importModel(checkpoint, new Graph());
      assertThat(module.weights().values())
          .as("every tensor of the checkpoint is used")
          .extracting(weight -> weight.source().toString())
          .hasSize(checkpoint.tensors().size());
      for (var testCase : golden.isArray() ? golden : golden.get("cases")) {
        check(module, checkpoint, testCase, most);
      }
    }
  }

  private static void check(Module module, Checkpoint checkpoint, JsonNode testCase, int most) {
    var prompt = ints(testCase, "prompt_ids");
    var expected = ints(testCase, testCase.has("greedy_ids") ? "greedy_ids" : "ids");
    int count = Math.min(most, expected.length);
    var options = new Backend.Options(1, PAGES, PAGE_TOKENS);
    try (var decode =
        new InterpreterBackend()
            .compile(module, "decode", new CheckpointWeights(checkpoint), options)) {
      var logits = run(decode, 0, prompt);
      if (testCase.has("last_prompt_logits")) {
        assertClose(logits, testCase.get("last_prompt_logits"));
      }
      var ids = new ArrayList<Integer>();
      for (int i = 0; i < count; i++) {
        int best = best(logits);
        ids.add(best);
        if (i + 1 < count) {
          logits = run(decode, prompt.length + i, new int[] {best});
        }
      }
      assertThat(ids)
          .as("ids after a prompt of %d", prompt.length)
          .isEqualTo(IntStream.of(expected).limit(count).boxed().toList());
    }
  }

  private static float[] run(Executable decode, int start, int[] ids) {
    var batch = Batch.single(start, ids.length, IntStream.range(0, PAGES).toArray());
    return decode.run(batch, List.of(Tensor.of(ids, ids.length))).getFirst().floats();
  }

  /** The tolerance is the project's: 2e-4 of the logits' standard deviation and 1e-4. */
  private static void assertClose(float[] logits, JsonNode expected) {
    double mean = 0;
    double square = 0;
    for (int i = 0; i < logits.length; i++) {
      double value = expected.get(i).doubleValue();
      mean += value / logits.length;
      square += value * value / logits.length;
    }
    double tolerance = 2e-4 * Math.sqrt(square - mean * mean) + 1e-4;
    for (int i = 0; i < logits.length; i++) {
      assertThat((double) logits[i])
          .as("logit %d", i)
          .isCloseTo(expected.get(i).doubleValue(), offset(tolerance));
    }
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static int[] ints(JsonNode testCase, String field) {
    return testCase.get(field).valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
