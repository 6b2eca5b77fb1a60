package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import org.fusionc.ir.DType;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.artifact.Artifact;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.Port;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StageProgramTest {
  @Test
  void aStageKnowsWhatGoesInAndOut() {
    try (var source = ModelSource.open(TestStages.example(), DType.Scalar.F32)) {
      var plan = TestStages.plan(source, 3, "q8");
      var cpu = Compiler.backend("cpu");
      var first = StageProgram.compile(source, plan, 0, cpu);
      var second = StageProgram.compile(source, plan, 1, cpu);
      var last = StageProgram.compile(source, plan, 2, cpu);

      assertThat(first.inputs())
          .singleElement()
          .satisfies(ids -> {
            assertThat(ids.ids()).isEqualTo(1024);
            assertThat(ids.encoding()).isEqualTo(Encoding.PLAIN);
            assertThat(ids.rows()).isEqualTo(Port.Rows.TOKEN);
          });
      assertThat(first.outputs())
          .isEqualTo(second.inputs())
          .singleElement()
          .satisfies(h -> {
            assertThat(h.width()).isEqualTo(128);
            assertThat(h.encoding()).isEqualTo(Encoding.Q8);
            assertThat(h.rowBytes()).isEqualTo(128 + 8);
          });
      assertThat(last.tokenInputs()).containsExactly(second.outputs().getFirst().name());
      assertThat(last.outputs())
          .singleElement()
          .satisfies(logits -> {
            assertThat(logits.rows()).isEqualTo(Port.Rows.OUTPUT);
            assertThat(logits.width()).isEqualTo(1024);
            assertThat(logits.encoding()).isEqualTo(Encoding.PLAIN);
          });
      assertThat(first.context()).isEqualTo(512);
      assertThatThrownBy(() -> StageProgram.compile(source, plan, 3, cpu))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("it has no stage 3, but stages 0 to 2");
    }
  }

  /** A peer fetches only the blobs that its stage needs; the others are not missed. */
  @Test
  void aStageIsLoadedFromItsOwnWeightsAlone(@TempDir Path folder) throws IOException {
    var cpu = Compiler.backend("cpu");
    var target = folder.resolve("model");
    try (var source = ModelSource.open(TestStages.example(), DType.Scalar.F32)) {
      var options = Compiler.Options.whole(cpu, Phase.QUANTIZED);
      var module = Compiler.compile(source.module(), source.phase(), options).module();
      ArtifactBuilder.write(source, module, Phase.QUANTIZED, target, (symbol, i, n) -> {});
    }
    try (var source = ModelSource.open(target, null);
        var artifact = Artifact.open(target)) {
      var plan = TestStages.plan(source, 3, "f32");
      var all = new HashSet<String>();
      for (int stage = 0; stage < 3; stage++) {
        all.addAll(Segment.weights(source, plan, stage, cpu));
      }
      var stored = new HashSet<String>(artifact.names());
      stored.removeIf(name -> !artifact.mediaType(name).contains("tensor"));
      assertThat(all).isEqualTo(stored);

      var needed = Segment.weights(source, plan, 1, cpu);
      assertThat(needed).isNotEmpty().hasSizeLessThan(all.size());
      var kept = new HashSet<String>();
      needed.forEach(symbol -> kept.add(artifact.digest(symbol)));
      for (var symbol : all) {
        if (!kept.contains(artifact.digest(symbol))) {
          var hex = artifact.digest(symbol).substring("sha256:".length());
          Files.deleteIfExists(target.resolve("blobs/sha256").resolve(hex));
        }
      }
      try (var segment = Segment.compile(source, plan, "d", new byte[32], 1, cpu, 1, 4, 16)) {
        assertThat(segment.bytes()).isPositive();
        assertThat(segment.key().stage()).isEqualTo(1);
      }
      assertThatThrownBy(() -> Segment.compile(source, plan, "d", new byte[32], 0, cpu, 1, 4, 16))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("is missing");
    }
  }
}
