package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.jit.WeightPacking;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.QuantizedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.interpret.Interpreter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Packing and packed weights against the interpreter, which goes number by number. */
class QuantizedTest {
  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  static Stream<DType.Quantized> dtypes() {
    return Stream.of(4, 8)
        .flatMap(width ->
            Stream.of(32, 64, 128)
                .flatMap(group ->
                    Stream.of(false, true).map(a -> new DType.Quantized(width, group, a))));
  }

  /** What the interpreter packs, and the numbers that this stands for. */
  private static List<Tensor> reference(DType.Quantized dtype, float[] x, int rows, int k) {
    var b = new FunctionBuilder(new Graph(), "f");
    var param = b.param("x", Type.tensor(DType.Scalar.F32, rows, k));
    var packed = b.quantize(param, dtype);
    var function = b.build(List.of(packed, b.dequantize(packed, DType.Scalar.F32)));
    return Interpreter.run(function, List.of(Tensor.of(x, rows, k)));
  }

  private static MemorySegment pack(
      Buffers buffers, QuantizedLayout layout, MemorySegment x, FloatFormat format) {
    return pack(buffers, layout, x, format, Tier.VECTOR);
  }

  private static MemorySegment pack(
      Buffers buffers, QuantizedLayout layout, MemorySegment x, FloatFormat format, Tier tier) {
    var y = buffers.bytes(layout.bytes());
    var packing = WeightPacking.groups(tier, layout.dtype());
    QuantizedRows.pack(POOL, x, format, y, layout, packing);
    return y;
  }

  private static List<Tier> tiers() {
    return Stream.of(Tier.values()).filter(Tier::isHere).toList();
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void packsAndUnpacksWhatTheInterpreterDoes(DType.Quantized dtype) {
    for (int k : new int[] {1, 17, 31, 32, 33, 127, 128, 300}) {
      int rows = 5;
      try (var buffers = new Buffers(k)) {
        var elements = buffers.gaussian(rows * k, 3);
        // A row of zeros, one of halves of steps, one with everything odd.
        Arrays.fill(elements, 0, k, k % 2 == 0 ? 0f : -0f);
        for (int i = 0; i < k; i++) {
          elements[k + i] = (i % 33 - 16) / 2f;
        }
        float[] odd = {Float.NaN, 1e30f, -1e30f, Float.POSITIVE_INFINITY, 1e-30f, -2, 2, 65519};
        for (int i = 0; i < k; i += 3) {
          elements[2 * k + i] = odd[i / 3 % odd.length];
        }
        var layout = new QuantizedLayout(dtype, rows, k);
        var expected = reference(dtype, elements, rows, k);
        MemorySegment packed = MemorySegment.NULL;
        for (var tier : tiers()) {
          packed = pack(buffers, layout, buffers.of(elements), FloatFormat.F32, tier);
          assertThat(packed.toArray(ValueLayout.JAVA_BYTE))
              .as("k = %d, %s", k, tier)
              .containsExactly(expected.getFirst().data().toArray(ValueLayout.JAVA_BYTE));
        }
        var numbers = buffers.empty((long) rows * k);
        QuantizedRows.unpack(POOL, packed, layout, numbers);
        buffers.checkGuards();
        assertThat(Buffers.floats(numbers)).containsExactly(expected.getLast().floats());
      }
    }
  }

  /**
   * Of numbers with few levels, extremes of both signs are often alike; others are tiny or huge.
   */
  @ParameterizedTest
  @MethodSource("dtypes")
  void allTiersPackTheSameBytes(DType.Quantized dtype) {
    int rows = 40;
    int k = 384;
    for (float scale : new float[] {1, 1e-7f, 1e-12f, 1e-38f, 1e6f, 1e35f}) {
      for (int levels : new int[] {1, 3, 1 << 20}) {
        try (var buffers = new Buffers(levels)) {
          var elements = buffers.gaussian(rows * k, 3);
          for (int i = 0; i < elements.length; i++) {
            elements[i] = (float) Math.rint(elements[i] * levels) / levels * scale;
          }
          var layout = new QuantizedLayout(dtype, rows, k);
          byte[] expected = null;
          for (var tier : tiers().reversed()) {
            var packed = pack(buffers, layout, buffers.of(elements), FloatFormat.F32, tier);
            byte[] bytes = packed.toArray(ValueLayout.JAVA_BYTE);
            expected = expected == null ? bytes : expected;
            assertThat(bytes)
                .as("%s, times %s, %d levels", tier, scale, levels)
                .containsExactly(expected);
          }
          buffers.checkGuards();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void packsHalvesToo(DType.Quantized dtype) {
    for (var format : FloatFormat.values()) {
      try (var buffers = new Buffers(4)) {
        var x = buffers.random(3 * 77, format);
        var expected = reference(dtype, Buffers.floats(x, format), 3, 77);
        assertThat(
                pack(buffers, new QuantizedLayout(dtype, 3, 77), x, format)
                    .toArray(ValueLayout.JAVA_BYTE))
            .containsExactly(expected.getFirst().data().toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void productsAgreeWithTheDefinitionAtOddSizes(DType.Quantized dtype) {
    for (int m : new int[] {1, 3, 17, 31}) {
      for (int n : new int[] {1, 3, 33}) {
        for (int k : new int[] {1, 31, 33, 100, 257}) {
          check(dtype, m, n, k, (m + n + k) % 2 == 0);
        }
      }
    }
    check(dtype, 1, 9, 4111, true);
    check(dtype, 3, 9, 4111, true);
    check(dtype, 18, 9, 2079, false);
    check(dtype, 130, 133, 1040, true);
  }

  private static void check(DType.Quantized dtype, int m, int n, int k, boolean withBias) {
    try (var buffers = new Buffers(7L * m + 31L * n + k)) {
      var layout = new QuantizedLayout(dtype, n, k);
      var x = buffers.random(m * k);
      var w = pack(buffers, layout, buffers.random(n * k), FloatFormat.F32);
      var bias = withBias ? buffers.random(n) : null;
      var y = buffers.empty((long) m * n);
      Linear.run(POOL, x, WeightMatrix.of(w, layout), bias, y, m, n, k);
      var numbers = buffers.empty((long) n * k);
      QuantizedRows.unpack(POOL, w, layout, numbers);
      buffers.checkGuards();
      var same = buffers.empty((long) m * n);
      Linear.run(POOL, x, numbers, FloatFormat.F32, bias, same, m, n, k);
      float[] xs = Buffers.floats(x);
      float[] ws = Buffers.floats(numbers);
      float[] actual = Buffers.floats(y);
      // The same numbers, added up in the same order.
      assertThat(actual).containsExactly(Buffers.floats(same));
      for (int i = 0; i < m; i += 1 + m / 5) {
        for (int j = 0; j < n; j++) {
          double sum = withBias ? Buffers.floats(bias)[j] : 0;
          double magnitude = Math.abs(sum);
          for (int p = 0; p < k; p++) {
            double product = (double) xs[i * k + p] * ws[j * k + p];
            sum += product;
            magnitude += Math.abs(product);
          }
          assertThat((double) actual[i * n + j])
              .as("m=%d n=%d k=%d [%d, %d]", m, n, k, i, j)
              .isCloseTo(sum, within(1e-6 * magnitude + 1e-30));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void aRowHasTheSameBitsAloneAndInAnyBatch(DType.Quantized dtype) {
    int n = 37;
    int k = 2085;
    int most = 67;
    try (var buffers = new Buffers(5);
        var single = new ComputePool(1)) {
      var layout = new QuantizedLayout(dtype, n, k);
      var x = buffers.random(most * k);
      var w =
          WeightMatrix.of(pack(buffers, layout, buffers.random(n * k), FloatFormat.F32), layout);
      var alone = new float[most][];
      for (int i = 0; i < most; i++) {
        var y = buffers.empty(n);
        Linear.run(single, x.asSlice((long) i * k * 4, (long) k * 4), w, null, y, 1, n, k);
        alone[i] = Buffers.floats(y);
      }
      for (int m : new int[] {2, 3, 16, 17, most}) {
        var y = buffers.empty((long) m * n);
        Linear.run(POOL, x, w, null, y, m, n, k);
        for (int i = 0; i < m; i++) {
          assertThat(Arrays.copyOfRange(Buffers.floats(y), i * n, (i + 1) * n))
              .containsExactly(alone[i]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void picksRows(DType.Quantized dtype) {
    try (var buffers = new Buffers(9)) {
      int k = 70;
      var from = new QuantizedLayout(dtype, 6, k);
      var to = new QuantizedLayout(dtype, 4, k);
      var table = pack(buffers, from, buffers.random(6 * k), FloatFormat.F32);
      var rows = buffers.bytes(to.bytes());
      QuantizedRows.gather(POOL, table, from, 2, 3, new int[] {2, 0}, rows, to);
      buffers.checkGuards();
      var all = buffers.empty(6L * k);
      QuantizedRows.unpack(POOL, table, from, all);
      var picked = buffers.empty(4L * k);
      QuantizedRows.unpack(POOL, rows, to, picked);
      assertThat(Buffers.floats(picked.asSlice(0, 8L * k)))
          .containsExactly(Buffers.floats(all.asSlice(16L * k, 8L * k)));
      assertThat(Buffers.floats(picked.asSlice(8L * k)))
          .containsExactly(Buffers.floats(all.asSlice(0, 8L * k)));
    }
  }

  @Test
  void expertsMayBePacked() {
    try (var buffers = new Buffers(11)) {
      int d = 40;
      int hidden = 33;
      var in = new QuantizedLayout(new DType.Quantized(4, 32, false), 3L * hidden, d);
      var out = new QuantizedLayout(new DType.Quantized(8, 64, true), 3L * d, hidden);
      var gate = pack(buffers, in, buffers.random(3 * hidden * d), FloatFormat.F32);
      var up = pack(buffers, in, buffers.random(3 * hidden * d), FloatFormat.F32);
      var down = pack(buffers, out, buffers.random(3 * hidden * d), FloatFormat.F32);
      var x = buffers.random(5 * d);
      var shares = buffers.random(10);
      int[] ids = {0, 2, 1, 0, 2, 1, 0, 1, 2, 0};
      var y = buffers.empty(5L * d);
      experts(
              hidden,
              d,
              WeightMatrix.of(gate, in),
              WeightMatrix.of(up, in),
              WeightMatrix.of(down, out))
          .run(POOL, x, ids, shares, y, 5, 2);
      var z = buffers.empty(5L * d);
      experts(
              hidden,
              d,
              numbers(buffers, gate, in),
              numbers(buffers, up, in),
              numbers(buffers, down, out))
          .run(POOL, x, ids, shares, z, 5, 2);
      assertThat(Buffers.floats(y)).containsExactly(Buffers.floats(z));
    }
  }

  private static WeightMatrix numbers(Buffers buffers, MemorySegment w, QuantizedLayout layout) {
    var numbers = buffers.empty(layout.rows() * layout.columns());
    QuantizedRows.unpack(POOL, w, layout, numbers);
    return WeightMatrix.of(numbers, FloatFormat.F32, layout.rows(), (int) layout.columns());
  }

  private static Experts experts(
      int hidden, int d, WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
    return new Experts(
        3,
        hidden,
        d,
        ExpertProducts.of(List.of(gate, up), hidden, d),
        ExpertProducts.of(List.of(down), d, hidden),
        null,
        null,
        null,
        new Gating(Gating.Kind.SILU, 0, 0));
  }

  @Test
  void refusesWhatIsTooSmall() {
    try (var buffers = new Buffers(1)) {
      var layout = new QuantizedLayout(new DType.Quantized(4, 32, false), 2, 32);
      assertThatThrownBy(() -> WeightMatrix.of(buffers.bytes(layout.bytes() - 1), layout))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
