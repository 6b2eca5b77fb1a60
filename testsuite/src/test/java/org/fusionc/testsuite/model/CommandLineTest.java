package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The command line, used rightly and wrongly. */
class CommandLineTest {
  private static final String CLUSTER =
      """
      devices:
        - {name: desk.cpu, memory: 2MiB, memory_bandwidth: 50GB/s, f32: 0.5TFLOP/s}
        - {name: attic.cpu, memory: 2MiB, memory_bandwidth: 50GB/s, f32: 0.5TFLOP/s}
      links:
        - {between: [desk, attic], bandwidth: 940Mbit/s, latency: 0.4ms}
      """;

  @TempDir Path temp = Path.of("");
  private final String example = Models.example().toString();

  /** The example's ids after "ROMEO:", sixteen of them. */
  private String expected = "";

  @BeforeEach
  void runTheExample() {
    expected = ids(run("run", example, "--prompt-ids", "835,26", "--max-tokens", "16", "--json"));
  }

  private static Outcome run(String... arguments) {
    return Outcome.of(arguments);
  }

  private static String ids(Outcome outcome) {
    return new JsonMapper().readTree(outcome.accepted().out()).get("ids").toString();
  }

  private String runModel(String model, String... more) {
    var arguments = new String[more.length + 7];
    var fixed =
        new String[] {"run", model, "--prompt-ids", "835,26", "--max-tokens", "16", "--json"};
    System.arraycopy(fixed, 0, arguments, 0, 7);
    System.arraycopy(more, 0, arguments, 7, more.length);
    return ids(run(arguments));
  }

  private Path copy() throws IOException {
    var copy = temp.resolve("model");
    try (var files = Files.list(Models.example())) {
      Files.createDirectories(copy);
      for (var file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private static void refused(int code, Outcome outcome, String... parts) {
    outcome.refused(code, parts);
  }

  @Test
  void textComesOut() {
    var outcome = run("run", example, "--prompt", "ROMEO:", "--max-tokens", "16");
    assertThat(outcome.out()).startsWith("\nI'll");
  }

  @Test
  void jsonHasTheDocumentedFields() {
    var outcome = run("run", example, "--prompt", "ROMEO:", "--max-tokens", "4", "--json");
    var json = new JsonMapper().readTree(outcome.out());
    assertThat(json.propertyNames())
        .contains(
            "prompt_ids",
            "ids",
            "text",
            "time_to_first_token_ms",
            "prefill_tokens_per_second",
            "decode_tokens_per_second");
  }

  @Test
  void stagesBackendsAndCachesAgree() {
    assertThat(runModel(example, "--stages", "3")).isEqualTo(expected);
    assertThat(runModel(example, "--backend", "interp")).isEqualTo(expected);
    assertThat(runModel(example, "--threads", "1")).isEqualTo(expected);
  }

  @Test
  void aPlanIsMadeEditedAndHonoured() throws IOException {
    var cluster = Files.writeString(temp.resolve("cluster.yaml"), CLUSTER);
    var plan = temp.resolve("plan.fir");
    var made =
        run(
            "plan",
            example,
            "--cluster",
            cluster.toString(),
            "--context",
            "64",
            "-o",
            plan.toString());
    assertThat(made.code()).as(made.err()).isZero();
    var text = Files.readString(plan);
    assertThat(text).contains("stage 0 on", "stage 1 on", " through %");
    assertThat(runModel(example, "--plan", plan.toString())).isEqualTo(expected);
    // A cut at a layer's end, and one inside a block; edges are derived when they are left out.
    for (var cut : new String[] {"layers.2.out", "layers.3.attn.out"}) {
      var edited =
          text.replaceAll(" through %\\S+", " through %" + cut).replaceAll("(?m)^  edge .*\n", "");
      // The memory of these little machines is not the point here.
      edited = edited.replaceAll("memory = \\w+", "memory = 8MiB");
      Files.writeString(plan, edited);
      assertThat(runModel(example, "--plan", plan.toString())).as(cut).isEqualTo(expected);
    }
    Files.writeString(plan, text.replace("encode = f32", "encode = f16"));
    refused(3, run("run", example, "--prompt", "a", "--plan", plan.toString()), "f16");
    Files.writeString(plan, text.replaceAll(" through %\\S+", " through %layers.2.owt"));
    refused(3, run("run", example, "--prompt", "a", "--plan", plan.toString()), "layers.2.out");
  }

  @Test
  void anInfeasiblePlanSaysWhatIsShort() throws IOException {
    var cluster =
        Files.writeString(
            temp.resolve("c.yaml"), CLUSTER.replaceAll("memory: \\w+", "memory: 64KiB"));
    refused(4, run("plan", example, "--cluster", cluster.toString()), "short by");
  }

  @Test
  void anArtifactIsReproducibleRunsAndRefusesAFlippedByte() throws IOException {
    var first = temp.resolve("first");
    var second = temp.resolve("second");
    assertThat(run("compile", example, "-o", first.toString(), "--stages", "2").code()).isZero();
    assertThat(run("compile", example, "-o", second.toString(), "--stages", "2").code()).isZero();
    try (var files = Files.walk(first)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        assertThat(second.resolve(first.relativize(file))).hasSameBinaryContentAs(file);
      }
    }
    assertThat(runModel(first.toString())).isEqualTo(expected);
    refused(2, run("run", first.toString(), "--prompt", "a", "--stages", "3"), "decode.s1");
    refused(2, run("run", first.toString(), "--prompt", "a", "--kv", "F16"), "f32");
    Path largest;
    try (var files = Files.walk(first)) {
      largest =
          files
              .filter(Files::isRegularFile)
              .max(Comparator.comparingLong(f -> f.toFile().length()))
              .orElseThrow();
    }
    var bytes = Files.readAllBytes(largest);
    bytes[bytes.length / 2] ^= 1;
    largest.toFile().setWritable(true);
    Files.write(largest, bytes);
    refused(3, run("run", first.toString(), "--prompt-ids", "1"), largest.getFileName().toString());
  }

  @Test
  void phasesAreDumpedAndResumed() throws IOException {
    var dumps = temp.resolve("dumps");
    var out = temp.resolve("a");
    assertThat(
            run("compile", example, "-o", out.toString(), "--dump-phases", dumps.toString()).code())
        .isZero();
    var resumed = temp.resolve("b");
    var from = "optimized:" + dumps.resolve("optimized.fir");
    assertThat(run("compile", example, "-o", resumed.toString(), "--resume", from).code()).isZero();
    assertThat(Files.readString(resumed.resolve("index.json")))
        .isEqualTo(Files.readString(out.resolve("index.json")));
    assertThat(run("verify", dumps.resolve("scheduled.fir").toString()).code()).isZero();
    var printed = run("print", dumps.resolve("lowered.fir").toString());
    assertThat(printed.out()).isEqualTo(Files.readString(dumps.resolve("lowered.fir")));
  }

  @Test
  void explainTellsWhatFiredAndWhichKernelRuns() {
    var outcome = run("explain", example);
    assertThat(outcome.out()).contains("merge-qkv", "hoist-row-selection", "gemm_bf16");
    refused(2, run("explain", example, "--pass", "merge-qvk"), "merge-qkv");
  }

  @Test
  void initMakesAModelThatRuns() {
    var model = temp.resolve("random");
    var config = Models.example().resolve("config.json").toString();
    assertThat(run("init", "--config", config, "-o", model.toString()).code()).isZero();
    var outcome =
        run(
            "bench",
            model.toString(),
            "--prompt-tokens",
            "8",
            "--generate",
            "2",
            "--repeat",
            "1",
            "--warmup",
            "0",
            "--json");
    assertThat(new JsonMapper().readTree(outcome.out()).get(0).get("test").asString())
        .isEqualTo("pp8");
    refused(2, run("init", "--config", config, "-o", model.toString()), model.toString());
  }

  @Test
  void wrongUsageIsTwo() throws IOException {
    assertThat(run("run").code()).isEqualTo(2);
    assertThat(run("nosuch").code()).isEqualTo(2);
    refused(2, run("run", example), "prompt");
    refused(2, run("run", example, "--prompt", "a", "--backend", "gpu"), "cpu");
    refused(2, run("run", example, "--prompt", "a", "--stages", "0"), "--stages");
    refused(2, run("run", example, "--prompt", "a", "--temperature", "-1"), "temperature");
    refused(2, run("print", example, "--phase", "optimised"), "optimized");
    var file = temp.resolve("empty.fir").toString();
    Files.writeString(Path.of(file), "fir 1.0\n");
    refused(2, run("opt", "-p", "canonicalise", file), "canonicalize");
    refused(2, run("opt", file), "-p");
    refused(2, run("bench", example, "--warmup", "-1"), "--warmup");
    refused(2, run("bench", example, "--warmup", "x"), "'x' is not a whole number");
    refused(2, run("bench", example, "--sequences", "0"), "--sequences is 0");
    refused(2, run("bench", example, "--limits", "--backend", "interp"), "--limits");
    refused(2, run("rnu", example), "did you mean 'run'?");
  }

  /** A script would take half a file for a whole one. */
  @Test
  void outputThatCannotBeWrittenIsAFailure() throws IOException, InterruptedException {
    var full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "there is no /dev/full, a device that takes nothing");
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "org.fusionc.cli.Main",
                "passes")
            .redirectOutput(full.toFile())
            .start();
    var messages = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isEqualTo(1);
    assertThat(messages).contains("not all of the output was written");
  }

  @Test
  void badModelsAreThree() throws IOException {
    refused(3, run("run", temp.resolve("nothing").toString(), "--prompt", "a"), "nothing");
    refused(3, run("run", example, "--prompt-ids", "5000"), "5000");
    refused(3, run("run", example, "--prompt", "word ".repeat(2000)), "context");
    var model = copy();
    var weights = model.resolve("model.safetensors");
    var bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    refused(3, run("run", model.toString(), "--prompt", "a"), "model.safetensors");
    var huge = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 60);
    Files.write(weights, huge.array(), StandardOpenOption.TRUNCATE_EXISTING);
    refused(3, run("run", model.toString(), "--prompt", "a"), "model.safetensors");
    Files.write(weights, bytes);
    var config = Files.readString(model.resolve("config.json"));
    Files.writeString(model.resolve("config.json"), config.replace("\"llama\"", "\"lama\""));
    refused(3, run("run", model.toString(), "--prompt", "a"), "lama", "llama");
    Files.writeString(
        model.resolve("config.json"),
        config.replace("\"hidden_size\": 128", "\"hidden_size\": -1"));
    refused(3, run("run", model.toString(), "--prompt", "a"), "config.json", "hidden_size");
    Files.writeString(
        model.resolve("config.json"),
        config.replace("\"intermediate_size\": 352", "\"intermediate_size\": 353"));
    refused(3, run("run", model.toString(), "--prompt", "a"), "353");
  }

  @Test
  void badFirIsThree() throws IOException {
    var text = run("print", example, "--phase", "imported").out();
    var file = temp.resolve("m.fir");
    Files.writeString(file, text.replaceFirst("= rms_norm ", "= rms_nrom "));
    refused(3, run("verify", file.toString()), "rms_norm", "m.fir:");
    Files.writeString(file, text.replaceFirst(" : f32\\[T, 128\\]", " : f32[T, 129]"));
    refused(3, run("verify", file.toString()), "m.fir:");
    Files.writeString(file, "fir 1.0\n" + "(".repeat(10_000));
    refused(3, run("print", file.toString()), "m.fir:");
  }
}
