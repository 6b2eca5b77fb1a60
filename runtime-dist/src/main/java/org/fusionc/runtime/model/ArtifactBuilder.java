package org.fusionc.runtime.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.artifact.ArtifactWriter;
import org.fusionc.runtime.artifact.MediaTypes;
import org.jspecify.annotations.Nullable;

/** Writes a compiled module with its weights and companions as an artifact. */
public final class ArtifactBuilder {
  /** Hears which weight is being written, and how many there are. */
  @FunctionalInterface
  public interface Progress {
    void weight(String symbol, int index, int count);
  }

  /**
   * What computes the weights that are to be stored as they come out, and how they are stored.
   *
   * @param layout of the weights of products; null for rows, which kernels of any kind take
   */
  public record Computing(Backend backend, int threads, @Nullable PackedLayout layout) {
    /** Stored as rows. */
    public Computing(Backend backend, int threads) {
      this(backend, threads, null);
    }
  }

  /** Rows that one task packs. */
  private static final long ROWS_AT_ONCE = 64;

  private ArtifactBuilder() {}

  /** As below, with weights computed by the reference interpreter. */
  public static String write(
      ModelSource source, Module module, Phase phase, Path target, Progress progress) {
    var computing = new Computing(Compiler.backend("interp"), 1);
    return write(source, module, phase, target, computing, progress);
  }

  /**
   * Writes the artifact; the same model, module and phase give the same bytes. From phase quantized
   * on, weights that are computed from others (merged, packed) are stored computed, so that they
   * are mapped when the artifact is opened; what they were made of is not stored.
   *
   * @return the digest of its manifest
   */
  public static String write(
      ModelSource source,
      Module module,
      Phase phase,
      Path target,
      Computing computing,
      Progress progress) {
    try (var writer = ArtifactWriter.create(target)) {
      var loader = source.weights();
      boolean isSettled = phase.compareTo(Phase.QUANTIZED) >= 0;
      var layout = computing.layout;
      if (layout != null && !isSettled) {
        throw Diagnostic.usage(
                "weights are packed once their formats are settled, in phase quantized, but the"
                    + " module has reached "
                    + phase,
                "leave --pack away, or compile further")
            .exception();
      }
      var packed = layout == null ? Set.<String>of() : PackableWeights.of(module);
      var read = isSettled ? ComputedWeights.read(module) : module.weights().keySet();
      var computed = new ComputedWeights(module, loader, computing.backend, computing.threads);
      var weights = new LinkedHashMap<String, WeightDef>();
      int index = 0;
      for (var weight : module.weights().values()) {
        if (!read.contains(weight.symbol())) {
          continue;
        }
        progress.weight(weight.symbol(), index++, read.size());
        if (!(weight.source() instanceof WeightSource.Computed)) {
          add(writer, weight, loader.load(weight).data(), packed, layout);
        } else if (isSettled && ComputedWeights.isWorthStoring(weight)) {
          try (var opened = computed.open(weight)) {
            add(writer, weight, opened.tensor().data(), packed, layout);
          }
        } else {
          weights.put(weight.symbol(), weight);
          continue;
        }
        var name = layout != null && packed.contains(weight.symbol()) ? layout.name() : null;
        var blob = new WeightSource.Blob(writer.digest(weight.symbol()), name);
        weights.put(weight.symbol(), new WeightDef(weight.symbol(), weight.type(), blob));
      }
      source.companions().forEach((file, text) -> writer.addText(file, MediaTypes.JSON, text));
      var text = FirPrinter.print(module.withWeights(weights));
      writer.addText(ArtifactSource.MODULE, MediaTypes.FIR, text);
      writer.property(ArtifactSource.PHASE, phase.toString());
      writer.property(
          ArtifactSource.END_OF_TEXT,
          source.endOfText().stream().map(String::valueOf).collect(Collectors.joining(",")));
      return writer.finish();
    }
  }

  private static void add(
      ArtifactWriter writer,
      WeightDef weight,
      MemorySegment rows,
      Set<String> packed,
      @Nullable PackedLayout layout) {
    if (layout == null || !packed.contains(weight.symbol())) {
      writer.addTensor(weight.symbol(), rows);
      return;
    }
    try (var arena = Arena.ofShared()) {
      var panels = arena.allocate(layout.bytes(weight.type()), 64);
      long count = PackedLayout.rows(weight.type());
      LongStream.range(0, Math.ceilDiv(count, ROWS_AT_ONCE))
          .parallel()
          .forEach(part ->
              layout.pack(
                  weight.type(),
                  rows,
                  part * ROWS_AT_ONCE,
                  Math.min(count, (part + 1) * ROWS_AT_ONCE),
                  panels));
      writer.addTensor(weight.symbol(), panels);
    }
  }
}
