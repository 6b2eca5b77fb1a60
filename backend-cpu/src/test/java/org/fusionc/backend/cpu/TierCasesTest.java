package org.fusionc.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.QuantizedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.text.FirParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each case in every tier that runs here: which kernel is chosen, and its results against the
 * interpreter's, at odd sizes. One list of cases says what there is machine code for.
 */
class TierCasesTest {
  private static final Backend.Options OPTIONS = new Backend.Options(2, 1, 16);
  private static final int[] ROWS = {1, 3, 17, 31};

  /**
   * An op.
   *
   * @param text a module whose function {@code main} takes tensors whose first dimension is T, and
   *     ends with the op
   * @param tolerance how far a result may be off, as a part of the largest of its row
   */
  private record Case(String name, String text, double tolerance) {
    Module module() {
      return FirParser.parse("fir 1.0\n" + text, name, new Graph(), OpRegistry.builtIn());
    }

    double tolerance(Tier tier) {
      boolean isHalved = tier == Tier.AVX512_BF16 && text.contains(": bf16");
      return isHalved ? HALVED : tolerance;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Rounding of f32, which sums over a row of some hundred elements multiply. */
  private static final double EXACT = 4e-6;

  /**
   * Activations in 8 bits: each is off by up to 1/254 of its group's largest, which the
   * interpreter's are not. The inputs are such as 8 bits hold, so that this concerns what experts
   * have in between, not what they are given.
   */
  private static final double ROUNDED = 0.05;

  /** Activations in bf16, which are off by up to 1/256 of themselves. */
  private static final double HALVED = 0.01;

  static Stream<Case> cases() {
    var all = new ArrayList<Case>();
    for (int width : new int[] {1, 33, 130}) {
      all.add(row("rms_norm", width, "rms_norm %x, @w {eps = 1e-5}"));
      all.add(row("layer_norm", width, "layer_norm %x, @w {eps = 1e-5}"));
      all.add(row("layer_norm, biased", width, "layer_norm %x, @w, @b {eps = 1e-5}"));
      all.add(pair("add_rms_norm", width, "add_rms_norm %x, %r, @w {eps = 1e-5}"));
      all.add(pair("add_layer_norm", width, "add_layer_norm %x, %r, @w, @b {eps = 1e-5}"));
      all.add(row("softmax", width, "softmax %x"));
      all.add(row("silu", width, "silu %x"));
      all.add(row("gelu", width, "gelu %x"));
      all.add(row("gelu, tanh", width, "gelu %x {approximate = \"tanh\"}"));
      all.add(row("swiglu", width, "swiglu %x, %x"));
      all.add(row("geglu", width, "geglu %x, %x"));
      all.add(row("geglu, tanh", width, "geglu %x, %x {approximate = \"tanh\"}"));
    }
    for (var dtype : List.of("f32", "f16", "bf16")) {
      all.add(moe(dtype, "silu", 33, 70, EXACT));
    }
    for (var dtype : List.of("f32", "f16", "bf16", "q4<32>", "q8<64>", "q4a<128>")) {
      all.add(gated(dtype, "silu", 128, 33));
      all.add(gated(dtype, "gelu", 384, 130));
      all.add(gated(dtype, "gelu_tanh", 128, 128));
      all.add(gated(dtype, "silu", 192, 65));
      all.add(gated(dtype, "silu", 130, 33));
    }
    for (int width : new int[] {4, 8}) {
      for (int group : new int[] {32, 64, 128}) {
        for (var a : List.of("", "a")) {
          var dtype = "q%d%s<%d>".formatted(width, a, group);
          all.add(moe(dtype, "silu", 33, 70, ROUNDED));
          all.add(moe(dtype, "clamped_swiglu", 128, 131, ROUNDED));
        }
      }
    }
    return all.stream();
  }

  private static Case row(String name, int width, String op) {
    var text =
        """
        dim T in [1, 64]
        weight @w : f32[%1$d] = file("w", "w")
        weight @b : f32[%1$d] = file("w", "b")

        func @main(%%x: f32[T, %1$d]) -> f32[T, %1$d] {
          %%y = %2$s : f32[T, %1$d]
          return %%y
        }
        """;
    return new Case(name + " of " + width, text.formatted(width, op), EXACT);
  }

  private static Case pair(String name, int width, String op) {
    var text =
        """
        dim T in [1, 64]
        weight @w : f32[%1$d] = file("w", "w")
        weight @b : f32[%1$d] = file("w", "b")

        func @main(%%x: f32[T, %1$d], %%r: f32[T, %1$d]) -> (f32[T, %1$d], f32[T, %1$d]) {
          %%s, %%y = %2$s : (f32[T, %1$d], f32[T, %1$d])
          return %%s, %%y
        }
        """;
    return new Case(name + " of " + width, text.formatted(width, op), EXACT);
  }

  /** Five experts of which each token has two. */
  private static Case moe(String dtype, String activation, int hidden, int d, double tolerance) {
    var text =
        """
        dim T in [1, 64]
        weight @gate : %1$s[5, %2$d, %3$d] = file("w", "gate")
        weight @up : %1$s[5, %2$d, %3$d] = file("w", "up")
        weight @down : %1$s[5, %3$d, %2$d] = file("w", "down")

        func @main(%%x: f32[T, %3$d], %%i: i32[T, 2], %%p: f32[T, 2]) -> f32[T, %3$d] {
          %%y = moe %%x, %%i, %%p, @gate, @up, @down {activation = "%4$s"} : f32[T, %3$d]
          return %%y
        }
        """;
    return new Case(
        "moe of %s, %s, %d of %d".formatted(dtype, activation, hidden, d),
        text.formatted(dtype, hidden, d, activation),
        tolerance);
  }

  /** One kernel where halves of the channels are whole panels of a target, else two. */
  private static Case gated(String dtype, String activation, int channels, int k) {
    var text =
        """
        dim T in [1, 64]
        weight @w : %1$s[%2$d, %3$d] = file("w", "gate")
        weight @b : f32[%2$d] = file("w", "b")

        func @main(%%x: f32[T, %3$d]) -> f32[T, %5$d] {
          %%y = gated_linear %%x, @w, @b {activation = "%4$s"} : f32[T, %5$d]
          return %%y
        }
        """;
    return new Case(
        "gated_linear of %s, %s, %d of %d".formatted(dtype, activation, channels, k),
        text.formatted(dtype, channels, k, activation, channels / 2),
        EXACT);
  }

  /** The tiers that run here, the portable one among them. */
  private static List<Tier> tiers() {
    return Arrays.stream(Tier.values()).filter(Tier::isHere).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void runsInEveryTierAsInTheInterpreter(Case made) {
    var module = made.module();
    var op = module.function("main").body().getLast();
    var weights = weights();
    for (var tier : tiers()) {
      var choice = KernelTable.choose(op, tier);
      assertThat(choice).isInstanceOf(Choice.Kernel.class);
      if (tier != Tier.VECTOR) {
        assertThat(((Choice.Kernel) choice).name()).contains("[" + tier);
      }
    }
    for (int rows : ROWS) {
      var inputs = inputs(module, rows);
      var expected =
          Interpreter.run(
              module,
              module.function("main"),
              inputs.stream().map(t -> (Datum) Array.of(t)).toList(),
              weights);
      for (var tier : tiers()) {
        var actual = run(tier, module, weights, inputs);
        for (int i = 0; i < actual.size(); i++) {
          compare(made, tier, rows, (Array) expected.get(i), actual.get(i));
        }
        var alone = run(tier, module, weights, inputs.stream().map(t -> row(t, rows - 1)).toList());
        for (int i = 0; i < actual.size(); i++) {
          assertThat(alone.get(i))
              .as("%s %s alone", made, tier)
              .containsExactly(last(actual, i, rows));
        }
      }
    }
  }

  @Test
  void aBiasThatNoKernelReadsIsRefused() {
    var texts =
        List.of(
            """
            func @main(%x: f32[4], %w: f32[8, 4], %b: f8e4m3[8]) -> f32[8] {
              %y = linear %x, %w, %b : f32[8]
              return %y
            }
            """,
            """
            func @main(%x: f32[4], %w: f32[8, 4], %b: f8e4m3[8]) -> f32[4] {
              %y = gated_linear %x, %w, %b : f32[4]
              return %y
            }
            """);
    for (var text : texts) {
      var op = new Case("bias", text, EXACT).module().function("main").body().getLast();
      for (var tier : tiers()) {
        assertThat(KernelTable.choose(op, tier))
            .isInstanceOfSatisfying(
                Choice.None.class, none -> assertThat(none.reason()).contains("f8e4m3[8]"));
      }
    }
  }

  private static float[] last(List<float[]> results, int index, int rows) {
    float[] all = results.get(index);
    return Arrays.copyOfRange(all, all.length / rows * (rows - 1), all.length);
  }

  private static void compare(Case made, Tier tier, int rows, Array expected, float[] actual) {
    int width = actual.length / rows;
    assertThat(actual.length).isEqualTo(expected.size());
    for (int r = 0; r < rows; r++) {
      double largest = 1e-30;
      for (int i = r * width; i < (r + 1) * width; i++) {
        largest = Math.max(largest, Math.abs(expected.real(i)));
      }
      for (int i = r * width; i < (r + 1) * width; i++) {
        assertThat((double) actual[i])
            .as("%s %s %d rows [%d, %d]", made, tier, rows, r, i % width)
            .isCloseTo(expected.real(i), within(made.tolerance(tier) * largest));
      }
    }
  }

  private static List<float[]> run(
      Tier tier, Module module, WeightLoader weights, List<Tensor> inputs) {
    var backend = new CpuBackend(tier);
    var batch = new Batch(new int[0], new int[0], new int[0], List.of());
    try (var executable =
        backend.compile(backend.legalize(module, "main"), "main", weights, OPTIONS)) {
      return executable.run(batch, inputs).stream()
          .map(t -> t.data().toArray(Tensor.FLOAT))
          .toList();
    }
  }

  private static Tensor row(Tensor all, int row) {
    long bytes = all.data().byteSize() / all.shape().getFirst();
    var shape = new ArrayList<>(all.shape());
    shape.set(0, 1L);
    var one = Tensor.allocate(Arena.ofAuto(), all.dtype(), 1, shape.getLast());
    one.data().copyFrom(all.data().asSlice(row * bytes, bytes));
    return one;
  }

  private static List<Tensor> inputs(Module module, int rows) {
    var random = new Random(rows);
    var all = new ArrayList<Tensor>();
    for (var param : module.function("main").params()) {
      var type = (Type.Tensor) param.type();
      long width = type.dim(1).value();
      var tensor = Tensor.allocate(Arena.ofAuto(), type.dtype(), rows, width);
      for (long i = 0; i < tensor.elements(); i++) {
        if (type.dtype().isInt()) {
          Elements.setInteger((DType.Scalar) type.dtype(), tensor.data(), i, random.nextInt(5));
        } else {
          // A group of 32 or more has one 1, and otherwise 127ths.
          int part = i % width % 32 == 0 ? 127 : random.nextInt(255) - 127;
          Elements.setReal((DType.Scalar) type.dtype(), tensor.data(), i, part / 127.0);
        }
      }
      all.add(tensor);
    }
    return all;
  }

  /** The same random weights each time. */
  private static WeightLoader weights() {
    Map<String, Tensor> made = new HashMap<>();
    return weight -> made.computeIfAbsent(weight.symbol(), symbol -> random(symbol, weight.type()));
  }

  private static Tensor random(String symbol, Type.Tensor type) {
    var random = new Random(symbol.hashCode());
    var shape = type.dims().stream().mapToLong(Dim::value).toArray();
    var tensor = Tensor.allocate(Arena.ofAuto(), type.dtype(), shape);
    if (type.dtype() instanceof DType.Quantized dtype) {
      fill(tensor, dtype, random);
      return tensor;
    }
    for (long i = 0; i < tensor.elements(); i++) {
      Elements.setReal((DType.Scalar) type.dtype(), tensor.data(), i, random.nextGaussian() / 8);
    }
    return tensor;
  }

  /** Any integers that may occur, but zeros in the padding; scales and minima of ordinary size. */
  private static void fill(Tensor tensor, DType.Quantized dtype, Random random) {
    var layout = QuantizedLayout.of(dtype, tensor.shape());
    var data = tensor.data();
    int levels = layout.largest() - layout.smallest() + 1;
    for (long row = 0; row < layout.rows(); row++) {
      for (long i = 0; i < layout.columns(); i++) {
        int q = layout.smallest() + random.nextInt(levels);
        long element = row * layout.paddedColumns() + i;
        if (dtype.width() == 8) {
          data.set(ValueLayout.JAVA_BYTE, element, (byte) q);
        } else {
          int nibble = (dtype.asymmetric() ? q : q + 8) << 4 * (element % 2);
          byte both = data.get(ValueLayout.JAVA_BYTE, element / 2);
          data.set(ValueLayout.JAVA_BYTE, element / 2, (byte) (both | nibble));
        }
      }
    }
    var scales = data.asSlice(layout.scalesAt());
    long groups = layout.rows() * layout.groups();
    double step = 0.5 / levels;
    for (long g = 0; g < groups; g++) {
      Elements.setReal(DType.Scalar.F16, scales, g, step * (0.5 + random.nextDouble()));
      if (dtype.asymmetric()) {
        Elements.setReal(
            DType.Scalar.F16, scales, groups + g, -step * levels * random.nextDouble());
      }
    }
  }
}
