package org.fusionc.broker.plan;

import java.io.IOException;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;

/** The models whose blobs are here, by the digest of their manifest. */
public final class Models {
  /** Modules kept parsed and optimised; planning anew should not begin with the text again. */
  private static final int KEPT = 4;

  /**
   * A model, ready to be planned.
   *
   * @param module optimised and not cut
   * @param context positions that a sequence can have
   */
  public record Model(Module module, int context) {}

  private final BlobDirectory blobs;
  private final Map<String, Model> kept = new LinkedHashMap<>(16, 0.75f, /* accessOrder= */ true);

  public Models(BlobDirectory blobs) {
    this.blobs = blobs;
  }

  /**
   * The manifest of that digest.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it, or a blob that it names, is not
   *     here
   */
  public Manifest manifest(String digest) {
    var manifest = read(digest);
    var absent =
        manifest.blobs().stream()
            .filter(blob -> !blobs.has(blob.digest()))
            .map(blob -> blob.digest() + " ('" + blob.name() + "')")
            .toList();
    if (!absent.isEmpty()) {
      var some = absent.stream().limit(3).collect(Collectors.joining(", "));
      throw missing(absent.size() <= 3 ? some : absent.size() + " blobs: " + some + " …");
    }
    return manifest;
  }

  /**
   * The blobs of these models, by the digests of their manifests.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if one of them is not here
   */
  public Set<Digest> blobs(Collection<String> manifests) {
    var all = new HashSet<Digest>();
    manifests.forEach(each -> manifest(each).blobs().forEach(blob -> all.add(blob.digest())));
    return all;
  }

  private Manifest read(String digest) {
    var parsed = Digest.parse(digest);
    if (parsed.isEmpty()) {
      throw Diagnostic.usage(
              "the manifest '" + digest + "' is no digest", "write sha256: and 64 hex digits")
          .exception();
    }
    if (!blobs.has(parsed.get())) {
      throw missing(digest + " (the manifest)");
    }
    try {
      return Manifest.parse(blobs.read(parsed.get(), Manifest.MAX_BYTES));
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(digest),
              "the manifest cannot be read: " + IoReason.of(failure),
              "push it again")
          .exception();
    }
  }

  private static RuntimeException missing(String what) {
    return Diagnostic.invalid(
            Location.unknown(),
            "these blobs have not been put at the broker: " + what,
            "push the artifact; fusionc deploy does")
        .exception();
  }

  /**
   * The artifact of that manifest. Its weights need not be here: a broker reads none.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if what is read is not here
   */
  public synchronized ModelSource open(String digest) {
    var manifest = read(digest);
    try {
      // The folder's index is the one file that is not named by its content.
      manifest.writeFolder(blobs.root());
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(blobs.root().toString()),
              "it cannot be written: " + IoReason.of(failure),
              "")
          .exception();
    }
    return ModelSource.open(blobs.root(), null);
  }

  /**
   * The model of that manifest.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is not here, or is cut or lowered
   *     already
   */
  public synchronized Model model(String digest) {
    var known = kept.get(digest);
    if (known != null) {
      return known;
    }
    try (var source = open(digest)) {
      if (source.phase().compareTo(Phase.PARTITIONED) >= 0) {
        throw Diagnostic.invalid(
                Location.named("manifest " + digest),
                "the artifact has been compiled to phase " + source.phase() + ": it is cut already",
                "compile it with --stop-after quantized, or deploy the model directory")
            .exception();
      }
      var options = Compiler.Options.whole(Compiler.backend("interp"), Phase.QUANTIZED);
      var compiled = Compiler.compile(source.module(), source.phase(), options);
      var model = new Model(compiled.module(), source.context());
      kept.put(digest, model);
      if (kept.size() > KEPT) {
        kept.remove(kept.keySet().iterator().next());
      }
      return model;
    }
  }
}
