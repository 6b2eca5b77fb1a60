package org.fusionc.runtime.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirParser;
import org.fusionc.runtime.artifact.Artifact;
import org.jspecify.annotations.Nullable;

/** An artifact; weights are mapped from its blobs, each verified before its first use. */
final class ArtifactSource implements ModelSource {
  static final String MODULE = "module.fir";
  static final String PHASE = "phase";
  static final String END_OF_TEXT = "end-of-text";

  private final Artifact artifact;
  private final Module module;

  private ArtifactSource(Artifact artifact, Module module) {
    this.artifact = artifact;
    this.module = module;
  }

  static ArtifactSource open(Path path, DType.@Nullable Scalar cacheDtype) {
    var artifact = Artifact.open(path);
    try {
      var text = artifact.text(MODULE);
      var module = FirParser.parse(text, path + "/" + MODULE, new Graph(), OpRegistry.builtIn());
      requireCache(module, path, cacheDtype);
      return new ArtifactSource(artifact, module);
    } catch (RuntimeException failure) {
      artifact.close();
      throw failure;
    }
  }

  private static void requireCache(Module module, Path path, DType.@Nullable Scalar wanted) {
    for (var function : module.functions().values()) {
      for (var param : function.params()) {
        if (wanted != null && param.type() instanceof Type.Kv kv && !kv.dtype().equals(wanted)) {
          throw Diagnostic.usage(
                  "%s was compiled for a KV cache of %s, not %s"
                      .formatted(path, kv.dtype(), wanted),
                  "leave --kv away, or compile the model anew with it")
              .exception();
        }
      }
    }
  }

  @Override
  public String name() {
    return artifact.path().toString();
  }

  @Override
  public Module module() {
    return module;
  }

  @Override
  public Phase phase() {
    var phase = artifact.properties().get(PHASE);
    if (phase == null) {
      throw Diagnostic.invalid(
              Location.named(name()), "the artifact does not say its phase", "compile it anew")
          .exception();
    }
    return Phase.of(phase);
  }

  @Override
  public WeightLoader weights() {
    // All at once and in parallel: reading through the blobs warms them for the run as well.
    artifact.verify();
    return new Loader();
  }

  @Override
  public WeightLoader weights(Collection<String> symbols) {
    artifact.verify(symbols);
    return new Loader();
  }

  /** Maps weights; what is packed for other kernels than those that ask is unpacked. */
  private final class Loader implements WeightLoader {
    @Override
    public Tensor load(WeightDef weight) {
      var shape = weight.type().dims().stream().map(d -> d.value()).toList();
      var packed = packed(weight);
      if (packed.isEmpty()) {
        return new Tensor(weight.type().dtype(), shape, blob(weight));
      }
      var layout = packed.get().layout();
      var rows = Tensor.allocate(Arena.ofAuto(), weight.type().dtype(), dims(shape));
      long count = PackedLayout.rows(weight.type());
      LongStream.range(0, count)
          .parallel()
          .forEach(row ->
              layout.unpack(weight.type(), packed.get().data(), row, rows.data(), count, row));
      return rows;
    }

    @Override
    public Optional<Packed> packed(WeightDef weight) {
      if (!(weight.source() instanceof WeightSource.Blob(_, var name)) || name == null) {
        return Optional.empty();
      }
      var layout =
          PackedLayout.named(name)
              .filter(_ -> PackedLayout.packs(weight.type()))
              .orElseThrow(() -> unfit("@%s is packed for '%s'".formatted(weight.symbol(), name)));
      var data = blob(weight);
      if (data.byteSize() != layout.bytes(weight.type())) {
        throw unfit(
            "@%s : %s packed for %s takes %d bytes, but its blob has %d"
                .formatted(
                    weight.symbol(),
                    weight.type(),
                    name,
                    layout.bytes(weight.type()),
                    data.byteSize()));
      }
      return Optional.of(new Packed(layout, data));
    }
  }

  private static long[] dims(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  private MemorySegment blob(WeightDef weight) {
    if (!isBlob(weight)) {
      throw unfit(notAmongBlobs(weight));
    }
    return artifact.tensor(weight.symbol());
  }

  private boolean isBlob(WeightDef weight) {
    return weight.source() instanceof WeightSource.Blob(var digest, _)
        && artifact.has(weight.symbol())
        && artifact.digest(weight.symbol()).equals(digest);
  }

  private static String notAmongBlobs(WeightDef weight) {
    return "the weight @%s (%s) is not among the artifact's blobs"
        .formatted(weight.symbol(), weight.source());
  }

  @Override
  public Optional<String> misfit(WeightDef weight) {
    return weight.source() instanceof WeightSource.Computed || isBlob(weight)
        ? Optional.empty()
        : Optional.of(notAmongBlobs(weight));
  }

  private DiagnosticException unfit(String problem) {
    return Diagnostic.invalid(Location.named(name()), problem, "compile the artifact anew")
        .exception();
  }

  @Override
  public Optional<String> companion(String file) {
    return artifact.has(file) ? Optional.of(artifact.text(file)) : Optional.empty();
  }

  @Override
  public Set<Integer> endOfText() {
    var stops = new LinkedHashSet<Integer>();
    Arrays.stream(artifact.properties().getOrDefault(END_OF_TEXT, "").split(","))
        .filter(id -> !id.isEmpty())
        .forEach(id -> stops.add(Integer.parseInt(id)));
    return stops;
  }

  @Override
  public void close() {
    artifact.close();
  }
}
