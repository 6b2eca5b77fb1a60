package org.fusionc.runtime.peer;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.proto.Segment;
import org.fusionc.runtime.proto.SegmentRole;
import org.fusionc.runtime.stage.StageProgram;

/** The example model as an artifact, and orders for its stages. */
record ExampleArtifact(BlobDirectory blobs, Manifest manifest, Plan plan, String text) {
  private static final int STAGES = 2;

  /** Compiles the example into a folder, whose blobs are then a broker's. */
  static ExampleArtifact compile(Path folder) throws IOException {
    var root = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(root.resolve("examples/shakespeare"))) {
      root = root.getParent();
    }
    try (var source = ModelSource.open(root.resolve("examples/shakespeare"), DType.Scalar.F32)) {
      var options = Compiler.Options.whole(Compiler.backend("cpu"), Phase.QUANTIZED);
      var module = Compiler.compile(source.module(), source.phase(), options).module();
      var plan = InProcess.stages(module, STAGES);
      var digest = ArtifactBuilder.write(source, module, Phase.QUANTIZED, folder, (s, i, n) -> {});
      var blobs = BlobDirectory.open(folder, 1 << 30);
      var manifest = Manifest.parse(blobs.read(Digest.parse(digest).orElseThrow(), 1 << 20));
      var text = FirPrinter.print(Module.empty(new Graph()).withPlan(plan));
      return new ExampleArtifact(blobs, manifest, plan, text);
    }
  }

  Segment.Builder order(int stage) {
    var digest = Digest.of(text.getBytes(StandardCharsets.UTF_8)).hex();
    return Segment.newBuilder()
        .setDeployment("example")
        .setManifest(manifest.self().digest().toString())
        .setPlan(text)
        .setPlanDigest(ByteString.copyFrom(HexFormat.of().parseHex(digest)))
        .setStage(stage)
        .setRole(SegmentRole.SERVING)
        .setPages(8)
        .setPageTokens(16);
  }

  /** The blobs that a stage needs, all in all. */
  Set<String> blobs(int stage) {
    var needed = new TreeSet<String>();
    needed.add(manifest.self().digest().hex());
    needed.add(manifest.config().digest().hex());
    needed.add(manifest.parts().get("module.fir").digest().hex());
    try (var source = ModelSource.open(blobs.root(), null)) {
      var program = StageProgram.compile(source, plan, stage, Compiler.backend("cpu"));
      for (var symbol : program.storedWeights()) {
        needed.add(manifest.parts().get(symbol).digest().hex());
      }
    }
    return needed;
  }
}
