package org.fusionc.runtime.artifact;

import static org.fusionc.runtime.artifact.Layout.invalid;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * A compiled model on disk, opened for reading: texts and tensors by name.
 *
 * <p>Opening checks the index, the manifest and the config. A part is checked against its digest
 * when it is first asked for, so that a machine that holds only one stage's parts can open the
 * artifact; {@link #verify()} checks all at once on all cores. Safe for use by several threads.
 */
public final class Artifact implements AutoCloseable {
  private final Path root;
  private final Layout layout;
  private final Arena arena = Arena.ofShared();
  private final Map<Digest, MemorySegment> mapped = new ConcurrentHashMap<>();

  private Artifact(Path root, Layout layout) {
    this.root = root;
    this.layout = layout;
  }

  /**
   * Whether {@code path} looks like an artifact rather than a model directory: also one that lacks
   * a file, so that {@link #open} can say which.
   */
  public static boolean isArtifact(Path path) {
    return Files.isRegularFile(path.resolve(Layout.LAYOUT_FILE))
        || (Files.isRegularFile(path.resolve(Layout.INDEX_FILE))
            && Files.isDirectory(path.resolve(Layout.BLOBS)));
  }

  /**
   * Opens the artifact in the folder {@code root}.
   *
   * @throws DiagnosticException naming the file or blob that is missing, damaged or foreign
   */
  public static Artifact open(Path root) {
    return new Artifact(root, Layout.read(root));
  }

  public Path path() {
    return root;
  }

  /** The manifest's digest, {@code sha256:…}: equal for equal artifacts, wherever they lie. */
  public String digest() {
    return layout.manifest().digest().toString();
  }

  /** What the writer noted about the artifact as a whole. */
  public Map<String, String> properties() {
    return layout.properties();
  }

  /** All parts' names, sorted. */
  public Set<String> names() {
    return layout.parts().keySet();
  }

  public boolean has(String name) {
    return layout.parts().containsKey(name);
  }

  public String mediaType(String name) {
    return part(name).mediaType();
  }

  /** In bytes. */
  public long size(String name) {
    return part(name).size();
  }

  /** The part's digest, {@code sha256:…}. */
  public String digest(String name) {
    return part(name).digest().toString();
  }

  /**
   * A part that is text.
   *
   * @throws DiagnosticException if it is missing, damaged, a tensor, or not UTF-8
   */
  public String text(String name) {
    Descriptor part = part(name);
    if (part.mediaType().equals(MediaTypes.TENSOR)) {
      throw invalid(root, part + " is not text", "compile the model again");
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(Blobs.bytes(root, part)))
          .toString();
    } catch (CharacterCodingException e) {
      throw invalid(root, part + " is not UTF-8 text", "compile the model again");
    }
  }

  /**
   * A tensor's bytes: contiguous, at least 64-byte aligned, read-only, valid until the artifact is
   * closed.
   *
   * @throws DiagnosticException if it is missing, damaged or not a tensor
   */
  public MemorySegment tensor(String name) {
    Descriptor part = part(name);
    if (!part.mediaType().equals(MediaTypes.TENSOR)) {
      throw invalid(root, part + " is not a tensor", "compile the model again");
    }
    return mapped.computeIfAbsent(part.digest(), digest -> Blobs.map(root, part, arena));
  }

  /** Checks every part; all that is wrong is in one exception. */
  public void verify() {
    verify(names());
  }

  /** Checks these parts, on all cores; all that is wrong is in one exception. */
  public void verify(Collection<String> names) {
    var problems =
        names.parallelStream()
            .sorted()
            .distinct()
            .map(this::problemsOf)
            .collect(ArrayList<Diagnostic>::new, ArrayList::addAll, ArrayList::addAll);
    if (!problems.isEmpty()) {
      throw new DiagnosticException(problems);
    }
  }

  private Collection<Diagnostic> problemsOf(String name) {
    try {
      Descriptor part = part(name);
      if (part.mediaType().equals(MediaTypes.TENSOR)) {
        var _ = tensor(name);
      } else {
        try (var passing = Arena.ofConfined()) {
          var _ = Blobs.map(root, part, passing);
        }
      }
      return Set.of();
    } catch (DiagnosticException e) {
      return e.diagnostics();
    }
  }

  private Descriptor part(String name) {
    Descriptor part = layout.parts().get(name);
    if (part == null) {
      throw invalid(
          root,
          "the artifact has no part '" + name + "'",
          Suggestion.didYouMean(name, names(), "compile the model again"));
    }
    return part;
  }

  /** Unmaps all tensors; touching one afterwards is an error. */
  @Override
  public void close() {
    arena.close();
  }
}
