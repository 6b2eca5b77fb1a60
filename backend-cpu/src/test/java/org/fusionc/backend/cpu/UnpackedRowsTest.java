package org.fusionc.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.text.FirParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights that an artifact keeps packed for other kernels. */
class UnpackedRowsTest {
  private static final List<DType> DTYPES =
      List.of(
          DType.Scalar.F32,
          DType.Scalar.BF16,
          new DType.Quantized(4, 32, false),
          new DType.Quantized(8, 64, true));

  private static byte[] random(Type.Tensor type) {
    var shape = type.dims().stream().map(d -> d.value()).toList();
    var bytes = new byte[Math.toIntExact(Elements.bytes(type.dtype(), shape))];
    new Random(type.hashCode()).nextBytes(bytes);
    return bytes;
  }

  private static byte[] packed(PackedLayout layout, Type.Tensor type, byte[] rows) {
    var packed = new byte[Math.toIntExact(layout.bytes(type))];
    layout.pack(
        type,
        MemorySegment.ofArray(rows),
        0,
        PackedLayout.rows(type),
        MemorySegment.ofArray(packed));
    return packed;
  }

  @Test
  void rowsAreThoseThatWerePacked(@TempDir Path folder) throws IOException {
    try (var pool = new ComputePool(2)) {
      for (var dtype : DTYPES) {
        for (var layout : PackedLayout.ALL) {
          // Two matrices, of panels that are not full; several pages, so that some are forgotten.
          var type = Type.tensor(dtype, 2, 75, 160);
          var rows = random(type);
          var file = Files.write(folder.resolve("blob"), packed(layout, type, rows));
          try (var channel = FileChannel.open(file);
              var arena = Arena.ofShared()) {
            var mapped = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            var unpacked = new UnpackedRows(type, new WeightLoader.Packed(layout, mapped));
            for (int round = 0; round < 2; round++) {
              var whole = arena.allocate(rows.length, 64);
              unpacked.copyTo(pool, whole);
              unpacked.done(0, 31);
              unpacked.done(31, unpacked.rows());
              assertThat(whole.toArray(ValueLayout.JAVA_BYTE))
                  .as("%s for %s", dtype, layout.name())
                  .isEqualTo(rows);
            }
          }
        }
      }
    }
  }

  /** A model's weights would be in memory twice. */
  @Test
  void theyAreNeverUnpackedAsAWhole() {
    for (var dtype : DTYPES) {
      var module =
          FirParser.parse(
              """
              fir 1.0
              dim T in [1, 8]
              weight @w : %s[70, 96] = file("f", "w")
              func @main(%%x: f32[T, 96]) -> (f32[T, 70]) {
                %%y = linear %%x, @w : f32[T, 70]
                return %%y
              }
              """
                  .formatted(dtype),
              "module",
              new Graph(),
              OpRegistry.builtIn());
      var type = module.weights().get("w").type();
      var rows = new byte[random(type).length];
      // Numbers of any dtype, and scales among them; no two rows are the same.
      for (int i = 0; i < rows.length; i++) {
        rows[i] = (byte) (0x30 + i % 7);
      }
      for (var tier : Tier.values()) {
        if (!tier.isHere()) {
          continue;
        }
        float[] expected = run(module, tier, new Stored(rows, null));
        for (var layout : PackedLayout.ALL) {
          boolean isOwn = Target.of(tier).filter(t -> t.layout().isSame(layout, dtype)).isPresent();
          if (!isOwn) {
            assertThat(run(module, tier, new Stored(rows, layout)))
                .as("%s in %s, packed for %s", dtype, tier, layout.name())
                .isEqualTo(expected);
          }
        }
      }
    }
  }

  private static float[] run(org.fusionc.ir.Module module, Tier tier, WeightLoader loader) {
    var backend = new CpuBackend(tier);
    var options = new Backend.Options(2, 1, 16);
    try (var arena = Arena.ofShared();
        var executable =
            backend.compile(backend.legalize(module, "main"), "main", loader, options)) {
      var x = Tensor.allocate(arena, DType.Scalar.F32, 3, 96);
      for (int i = 0; i < 3 * 96; i++) {
        x.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 7 - 3);
      }
      var batch = new Batch(new int[] {0, 0, 0}, new int[] {0, 1, 2}, new int[0], List.of());
      return executable.run(batch, List.of(x)).getFirst().data().toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** The weight as rows, or packed and nothing else. */
  private record Stored(byte[] rows, @Nullable PackedLayout layout) implements WeightLoader {
    @Override
    public Tensor load(WeightDef weight) {
      assertThat(layout).as("rows are asked for of what is packed").isNull();
      var shape = weight.type().dims().stream().map(d -> d.value()).toList();
      return new Tensor(weight.type().dtype(), shape, aligned(rows));
    }

    @Override
    public Optional<Packed> packed(WeightDef weight) {
      return layout == null
          ? Optional.empty()
          : Optional.of(
              new Packed(layout, aligned(UnpackedRowsTest.packed(layout, weight.type(), rows))));
    }

    private static MemorySegment aligned(byte[] bytes) {
      var memory = Arena.ofAuto().allocate(bytes.length, 64);
      memory.copyFrom(MemorySegment.ofArray(bytes));
      return memory;
    }
  }
}
