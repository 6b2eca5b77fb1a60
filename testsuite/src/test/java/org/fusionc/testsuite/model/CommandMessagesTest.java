package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** What the command line tells of files that do not fit, and of options without effect. */
class CommandMessagesTest {
  private static final String TIER = "fusionc.cpu.tier";

  @TempDir Path temp = Path.of("");
  private final String example = Models.example().toString();

  @AfterEach
  void forgetTheTier() {
    System.clearProperty(TIER);
  }

  private String at(String name) {
    return temp.resolve(name).toString();
  }

  /** A model directory of another shape, and of another family's names. */
  private String other(String edit, String with) throws IOException {
    var config = Files.readString(Models.example().resolve("config.json"));
    assertThat(config).contains(edit);
    var file = Files.writeString(temp.resolve("config.json"), config.replace(edit, with));
    var model = at("other");
    Outcome.of("init", "--config", file.toString(), "-o", model).accepted();
    return model;
  }

  @Test
  void aPhaseOfAnotherModelIsNamed() throws IOException {
    var other = other("\"intermediate_size\": 352", "\"intermediate_size\": 384");
    var dumps = at("dumps");
    Outcome.of("compile", other, "-o", at("a"), "--dump-phases", dumps).accepted();
    var file = dumps + "/optimized.fir";
    var outcome = Outcome.of("compile", example, "-o", at("b"), "--resume", "optimized:" + file);
    outcome.refused(3, file + ": it is not of " + example, "384", "352");
    assertThat(outcome.err()).doesNotContain("config.json");
    var text = Files.readString(Path.of(file));
    Files.writeString(Path.of(file), text.replace("model.embed_tokens.weight", "wte.weight"));
    Outcome.of("compile", example, "-o", at("b"), "--resume", "optimized:" + file)
        .refused(3, file + ": it is not of " + example, "'wte.weight'");
    // A phase of an artifact's model, and the artifact.
    Outcome.of("compile", at("a"), "-o", at("b"), "--resume", "optimized:" + dumps + "/raised.fir")
        .refused(3, dumps + "/raised.fir: it is not of " + at("a"), "blobs");
    assertThat(Path.of(at("b"))).doesNotExist();
  }

  @Test
  void anArtifactThatIsNotWholeIsNotTakenForAModel() throws IOException {
    Outcome.of("compile", example, "-o", at("a")).accepted();
    Files.delete(temp.resolve("a/oci-layout"));
    Outcome.of("run", at("a"), "--prompt", "a").refused(3, "artifact is not whole", "oci-layout");
    Outcome.of("compile", example, "-o", at("a")).refused(2, "oci-layout");
  }

  @Test
  void whyAFileIsNotReadOrWrittenIsSaidInWords() throws IOException {
    Outcome.of("verify", at("")).refused(3, "it is a directory");
    Outcome.of("print", at("none.fir")).refused(3, "there is no such file");
    Outcome.of("eval", example, "--text", at("")).refused(3, "it is a directory");
    var file = Files.writeString(temp.resolve("file"), "").toString();
    Outcome.of("compile", example, "-o", at("a"), "--dump-phases", file)
        .refused(1, file, "there is a file of that name");
    Outcome.of("import", example, "-o", at("")).refused(1, "it is a directory");
  }

  @Test
  void outputIsWrittenWhereThereIsADirectory() throws IOException {
    var file = Files.writeString(temp.resolve("m.fir"), "fir 1.0\n").toString();
    var config = Models.example().resolve("config.json").toString();
    Files.writeString(
        temp.resolve("c.yaml"),
        "devices: [{name: a.cpu, memory: 8MiB, memory_bandwidth: 50GB/s, f32: 1TFLOP/s}]\n");
    for (var command :
        new String[][] {
          {"opt", "-p", "dce", file},
          {"import", example},
          {"plan", example, "--cluster", at("c.yaml")},
          {"compile", example},
          {"init", "--config", config}
        }) {
      var arguments = java.util.Arrays.copyOf(command, command.length + 2);
      arguments[command.length] = "-o";
      arguments[command.length + 1] = at("no/such");
      Outcome.of(arguments).refused(2, "there is no directory " + at("no"));
      arguments[command.length + 1] = file + "/such";
      Outcome.of(arguments).refused(2, file + " is not a directory");
    }
    Outcome.of("compile", example, "-o", at("a"), "--dump-phases", at("no/such"))
        .refused(2, "there is no directory " + at("no"));
    assertThat(temp.resolve("no")).doesNotExist();
    assertThat(temp.resolve("a")).doesNotExist();
  }

  @Test
  void optionsWithoutEffectAreRefused() {
    Outcome.of("run", example, "--prompt", "a", "--backend", "interp", "--cpu-tier", "vector")
        .refused(2, "--cpu-tier", "interp");
    Outcome.of("run", example, "--prompt", "a", "--backend", "interp", "--threads", "1")
        .refused(2, "--threads", "interp");
    Outcome.of("print", example, "--stages", "2").refused(2, "partitioned", "--phase");
    Outcome.of("print", example, "--stages", "2", "--phase", "optimized")
        .refused(2, "partitioned", "--stages");
    Outcome.of("compile", example, "-o", at("a"), "--stages", "2", "--stop-after", "raised")
        .refused(2, "partitioned", "--stages");
    Outcome.of("run", example, "--prompt-ids", "1", "--chat").refused(2, "--chat", "--prompt-ids");
    Outcome.of("run", example, "--prompt", "a", "--deployment", "d").refused(2, "--cluster");
    Outcome.of("run", example, "--prompt", "a", "--tls", at("")).refused(2, "--cluster");
    Outcome.of("run", example, "--prompt", "a", "--cluster", "127.0.0.1:1", "--threads", "1")
        .refused(2, "--threads", "--cluster");
    Outcome.of("bench", example, "--against-timeout", "3").refused(2, "--against");
    Outcome.of("deploy", example, "--plan", at("p.fir"), "--stages", "2")
        .refused(2, "--plan", "--stages");
  }

  @Test
  void optionsThatAPhaseHasSettledAreRefused() {
    Outcome.of("compile", example, "-o", at("a"), "--quantize", "q4", "--dump-phases", at("d"))
        .accepted();
    Outcome.of("run", at("a"), "--prompt", "a", "--quantize", "q8")
        .refused(2, "settled: bf16, q4<32>", "--quantize");
    var from = "lowered:" + at("d/lowered.fir");
    Outcome.of("compile", example, "-o", at("b"), "--resume", from, "--kv", "F16")
        .refused(2, "--kv", "--resume");
    Outcome.of("compile", example, "-o", at("b"), "--resume", from, "--stop-after", "raised")
        .refused(2, "lowered", "raised");
  }

  @Test
  void asManyStagesAreCutAsThereArePlacesToCut() {
    var cut = Outcome.of("print", example, "--stages", "99", "--phase", "partitioned").accepted();
    assertThat(cut.out().lines().filter(line -> line.startsWith("  stage "))).hasSize(99);
    Outcome.of("run", example, "--prompt", "a", "--stages", "999").refused(4, "at most", "stages");
  }

  @Test
  void explainIsForReading() {
    var one = Outcome.of("explain", example, "--pass", "fuse-rope").accepted().out();
    assertThat(one).startsWith("fuse-rope: fuse-rope-attention 6, fuse-rope-kv-append 6 (");
    assertThat(one.lines().map(String::strip)).noneMatch(line -> line.contains("  "));
    var outcome = Outcome.of("explain", example, "--pass", "xyzzy");
    outcome.refused(2, "; those that run are canonicalize, fold-constants, ");
    assertThat(outcome.err()).doesNotContain("[").doesNotContain("  ");
  }

  @Test
  void weightsThatArePackedForOthersAreTold() {
    Outcome.of("compile", example, "-o", at("a"), "--quantize", "q8", "--pack", "avx2").accepted();
    var outcome = Outcome.of("run", at("a"), "--prompt", "a", "--cpu-tier", "vector").accepted();
    assertThat(outcome.err())
        .startsWith("fusionc: " + at("a") + ": its weights are packed for avx2, and cpu<vector_")
        .endsWith("an artifact compiled with --pack none loads faster\n");
    Outcome.of("compile", example, "-o", at("b"), "--quantize", "q8").accepted();
    assertThat(Outcome.of("run", at("b"), "--prompt", "a", "--cpu-tier", "vector").err()).isEmpty();
  }

  @Test
  void anEvaluationNamesWhatComputedBoth() throws IOException {
    var text = Files.writeString(temp.resolve("t"), "To be, or not to be").toString();
    String[] arguments = {
      "eval", example, "--text", text, "--quantize", "q4", "--cpu-tier", "vector", "--json"
    };
    var json = new JsonMapper().readTree(Outcome.of(arguments).accepted().out());
    assertThat(json.get("model").get("backend").asString()).startsWith("cpu<vector_");
    assertThat(json.get("other").get("backend")).isEqualTo(json.get("model").get("backend"));
    var lines = Outcome.of(java.util.Arrays.copyOf(arguments, 8)).accepted().out();
    assertThat(lines.lines().filter(line -> line.contains(", on cpu<vector_"))).hasSize(2);
  }
}
