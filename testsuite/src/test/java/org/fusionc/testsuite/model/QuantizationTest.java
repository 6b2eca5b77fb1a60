package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.Module;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights packed when compiling are those packed when loading, on every backend. */
class QuantizationTest {
  private static final String MIXED = "q4,lm_head=q8<64>,layers.0.attn.v=q8a,*.mlp.down=q4a<128>";

  private static Compiler.Compiled compile(
      ModelSource source, String backend, @Nullable String rules, Compiler.Cut cut, Phase until) {
    var options = Compiler.Options.of(cut, Compiler.backend(backend), until).quantized(rules);
    return Compiler.compile(source.module(), source.phase(), options);
  }

  private static List<Integer> tokens(ModelSource source, Compiler.Compiled compiled, String name) {
    var options = new Engine.Options(2, source.context(), Engine.pages(source.context(), 1), false);
    try (var engine = Engine.start(source, compiled, Compiler.backend(name), options)) {
      return Models.greedy(engine, List.of(5, 3, 8), 24).ids();
    }
  }

  private static void write(ModelSource source, Compiler.Compiled compiled, Path target) {
    ArtifactBuilder.write(
        source,
        compiled.module(),
        compiled.phase(),
        target,
        new ArtifactBuilder.Computing(Compiler.backend("cpu"), 2),
        (symbol, index, count) -> {});
  }

  /** The weight's bytes as a backend computes them when it loads the model. */
  private static byte[] computed(
      ModelSource source, Compiler.Compiled compiled, String symbol, String backend) {
    var weight = compiled.module().weights().get(symbol);
    assertThat(weight.source()).isInstanceOf(WeightSource.Computed.class);
    var body = ((WeightSource.Computed) weight.source()).function().withName("load");
    var chosen = Compiler.backend(backend);
    var module = chosen.legalize(compiled.module().withFunction(body), "load");
    var settings = new org.fusionc.ir.backend.Backend.Options(2, 1, 1);
    var nothing = new Batch(new int[0], new int[0], new int[0], List.of());
    try (var executable = chosen.compile(module, "load", source.weights(), settings)) {
      return bytes(executable.run(nothing, List.of()).getFirst());
    }
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.data().toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void whatIsPackedWhenCompilingIsWhatIsPackedWhenLoading(@TempDir Path folder) {
    try (var source = Models.open(Models.example())) {
      var compiled = compile(source, "cpu", MIXED, new Compiler.Cut.Whole(), Phase.SCHEDULED);
      write(source, compiled, folder.resolve("artifact"));
      try (var artifact = ModelSource.open(folder.resolve("artifact"), null)) {
        var loader = artifact.weights();
        int packed = 0;
        for (var weight : artifact.module().weights().values()) {
          if (weight.type().dtype() instanceof DType.Quantized) {
            packed++;
            var stored = loader.load(weight);
            assertThat(stored.data().isMapped()).isTrue();
            assertThat(bytes(stored))
                .as(weight.symbol())
                .isEqualTo(computed(source, compiled, weight.symbol(), "cpu"))
                .isEqualTo(computed(source, compiled, weight.symbol(), "interp"));
          }
        }
        assertThat(packed).isGreaterThan(4);
        // What the packed weights were made of is not needed any more.
        assertThat(artifact.module().weights()).doesNotContainKey("layers.0.mlp.down");
        var again =
            Compiler.compile(
                artifact.module(),
                artifact.phase(),
                Compiler.Options.whole(Compiler.backend("cpu"), Phase.SCHEDULED));
        assertThat(tokens(artifact, again, "cpu")).isEqualTo(tokens(source, compiled, "cpu"));
      }
    }
  }

  @Test
  void stagesAndBackendsAgree() {
    try (var source = Models.open(Models.example())) {
      var whole = compile(source, "cpu", MIXED, new Compiler.Cut.Whole(), Phase.SCHEDULED);
      var cut = compile(source, "cpu", MIXED, new Compiler.Cut.Stages(2), Phase.SCHEDULED);
      var slow = compile(source, "interp", MIXED, new Compiler.Cut.Whole(), Phase.SCHEDULED);
      var expected = tokens(source, whole, "cpu");
      assertThat(tokens(source, cut, "cpu")).isEqualTo(expected);
      assertThat(tokens(source, slow, "interp")).isEqualTo(expected);
    }
  }

  @Test
  void anArtifactKeepsItsFormats(@TempDir Path folder) {
    try (var source = Models.open(Models.example())) {
      var compiled = compile(source, "cpu", "q8", new Compiler.Cut.Whole(), Phase.QUANTIZED);
      write(source, compiled, folder.resolve("artifact"));
    }
    try (var artifact = ModelSource.open(folder.resolve("artifact"), null)) {
      assertThat(artifact.phase()).isEqualTo(Phase.QUANTIZED);
      assertThatThrownBy(
              () -> compile(artifact, "cpu", "q4", new Compiler.Cut.Whole(), Phase.SCHEDULED))
          .hasMessageContaining("compiled to phase quantized");
      var options =
          Compiler.Options.of(new Compiler.Cut.Stages(2), Compiler.backend("cpu"), Phase.SCHEDULED);
      var cut = Compiler.compile(artifact.module(), artifact.phase(), options);
      assertThat(tokens(artifact, cut, "cpu")).hasSize(24);
    }
  }

  @Test
  void quantisingNeedsItsPhase() {
    try (var source = Models.open(Models.example())) {
      assertThatThrownBy(
              () -> compile(source, "cpu", "q4", new Compiler.Cut.Whole(), Phase.OPTIMIZED))
          .hasMessageContaining("but optimized comes first");
    }
  }

  @Test
  void weightsThatArePackedForAProcessorGiveTheSameTokensEverywhere(@TempDir Path folder) {
    try (var source = Models.open(Models.example())) {
      for (var rules : List.of(MIXED + ",embed=q8", "bf16")) {
        var compiled = compile(source, "cpu", rules, new Compiler.Cut.Whole(), Phase.SCHEDULED);
        var expected = tokens(source, compiled, "cpu");
        var exact = tokens(source, compiled, "interp");
        for (var layout : PackedLayout.ALL) {
          var target = folder.resolve(layout.name() + rules.length());
          var digest = pack(source, compiled, target, layout);
          assertThat(pack(source, compiled, target.resolveSibling("again"), layout))
              .isEqualTo(digest);
          try (var stored = Models.open(target)) {
            var whole = new Compiler.Cut.Whole();
            var opened = compile(stored, "cpu", null, whole, Phase.SCHEDULED);
            assertThat(opened.module().weights().values().stream().map(Module.WeightDef::source))
                .anyMatch(
                    s -> s instanceof WeightSource.Blob(_, var name) && layout.name().equals(name));
            assertThat(tokens(stored, opened, "cpu")).as(layout.name()).isEqualTo(expected);
            assertThat(tokens(stored, opened, "interp")).as(layout.name()).isEqualTo(exact);
          }
        }
      }
    }
  }

  private static String pack(
      ModelSource source, Compiler.Compiled compiled, Path target, PackedLayout layout) {
    return ArtifactBuilder.write(
        source,
        compiled.module(),
        compiled.phase(),
        target,
        new ArtifactBuilder.Computing(Compiler.backend("cpu"), 2, layout),
        (symbol, index, count) -> {});
  }
}
