package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Elements;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What artifacts are packed with is what the kernels' packing makes, to the byte. */
class WeightPackingTest {
  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  static Stream<DType> dtypes() {
    return Stream.concat(
        Stream.of(DType.Scalar.F32, DType.Scalar.F16, DType.Scalar.BF16),
        IntegerLinearTest.types());
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void theLayoutIsThatOfTheKernels(DType dtype) {
    for (int n : new int[] {1, 31, 64, 130}) {
      for (int k : new int[] {1, 97, 300}) {
        for (var target : Targets.here()) {
          check(dtype, n, k, target);
        }
      }
    }
  }

  private static void check(DType dtype, int n, int k, Target target) {
    try (var arena = new GuardedArena()) {
      var type = Type.tensor(dtype, n, k);
      var shape = type.dims().stream().map(d -> d.value()).toList();
      var random = new byte[Math.toIntExact(Elements.bytes(dtype, shape))];
      new Random(n + k).nextBytes(random);
      var rows = arena.allocate(random.length, 1);
      rows.copyFrom(MemorySegment.ofArray(random));
      var kernels =
          WeightPacking.pack(POOL, WeightRows.of(rows, dtype, n, k), target, arena).weights();
      var layout = target.layout();
      if (target.dotsBytes() == layout.unsigned()) {
        var packed = arena.allocate(layout.bytes(type), 1);
        layout.pack(type, rows, 0, n, packed);
        assertThat(kernels.toArray(ValueLayout.JAVA_BYTE))
            .as("%s [%d, %d] %s", dtype, n, k, target)
            .isEqualTo(packed.toArray(ValueLayout.JAVA_BYTE));
        var back = arena.allocate(random.length, 1);
        for (int row = 0; row < n; row++) {
          layout.unpack(type, packed, row, back, n, row);
        }
        assertThat(back.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(random);
      }
    }
  }
}
