package org.fusionc.runtime.artifact;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an artifact consists of: the list by which its blobs are fetched.
 *
 * @param self the manifest's own blob
 * @param config the small JSON object that describes the artifact
 * @param parts everything else, by name
 */
public record Manifest(Descriptor self, Descriptor config, Map<String, Descriptor> parts) {
  /** The largest manifest that is read, in bytes. */
  public static final long MAX_BYTES = Layout.MAX_JSON_BYTES;

  public Manifest {
    parts = Collections.unmodifiableMap(new TreeMap<>(parts));
  }

  /**
   * Reads and checks a manifest.
   *
   * @param json the manifest blob's bytes
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is none of fusionc's
   */
  public static Manifest parse(byte[] json) {
    var self = new Descriptor("manifest", MediaTypes.MANIFEST, Digest.of(json), json.length);
    var place = Path.of("manifest " + self.digest());
    return Layout.manifest(place, self, Layout.parse(place, self.toString(), json));
  }

  /** The manifest itself, the config and all parts. */
  public List<Descriptor> blobs() {
    var all = new ArrayList<Descriptor>();
    all.add(self);
    all.add(config);
    all.addAll(parts.values());
    return List.copyOf(all);
  }

  /**
   * Makes the folder {@code root} an artifact with this manifest; its blobs are to be at {@code
   * root/blobs/sha256}. Those that nobody reads may be missing.
   */
  public void writeFolder(Path root) throws IOException {
    Files.createDirectories(root);
    write(root.resolve(Layout.LAYOUT_FILE), Layout.layoutFile());
    write(root.resolve(Layout.INDEX_FILE), Layout.indexFile(self));
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    var beside = file.resolveSibling(file.getFileName() + ".new");
    Files.write(beside, bytes);
    Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }
}
