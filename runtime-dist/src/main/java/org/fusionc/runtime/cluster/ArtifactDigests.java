package org.fusionc.runtime.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.model.ModelSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers which artifact was made of a model directory, so that one which has been deployed need
 * not be made again to find that out. A directory counts as unchanged if its files have the names,
 * sizes and times of change that they had, and it is imported in the same way.
 */
public final class ArtifactDigests {
  private static final Logger LOG = LoggerFactory.getLogger(ArtifactDigests.class);
  private static final int MOST = 256;

  private final @Nullable Path file;

  private ArtifactDigests(@Nullable Path file) {
    this.file = file;
  }

  /** In this file; it is made when there is something to remember. */
  public static ArtifactDigests in(Path file) {
    return new ArtifactDigests(file);
  }

  /** In the user's cache. */
  public static ArtifactDigests ofUser() {
    var cache = System.getenv("XDG_CACHE_HOME");
    var base =
        cache == null || cache.isBlank()
            ? Path.of(System.getProperty("user.home", "."), ".cache")
            : Path.of(cache);
    return in(base.resolve("fusionc").resolve("artifacts"));
  }

  /** Remembers nothing. */
  public static ArtifactDigests none() {
    return new ArtifactDigests(null);
  }

  /** What stands for a model as it is now, with weights in these formats. */
  static String key(ModelSource source, Path directory, @Nullable String quantize)
      throws IOException {
    var files = new TreeMap<String, String>();
    try (var all = Files.list(directory)) {
      for (var each : all.filter(Files::isRegularFile).toList()) {
        files.put(
            each.getFileName().toString(),
            Files.size(each) + " " + Files.getLastModifiedTime(each).toInstant());
      }
    }
    var text = new StringBuilder().append(source.phase()).append('\n');
    files.forEach((name, state) -> text.append(name).append(' ').append(state).append('\n'));
    text.append("quantize ").append(quantize).append('\n');
    text.append(FirPrinter.print(source.module()));
    return Digest.of(text.toString().getBytes(StandardCharsets.UTF_8)).hex();
  }

  /** The digest of the manifest of the artifact that was made. */
  synchronized Optional<String> find(String key) {
    return Optional.ofNullable(read().get(key));
  }

  synchronized void keep(String key, String digest) {
    if (file == null) {
      return;
    }
    var all = read();
    all.putLast(key, digest);
    while (all.size() > MOST) {
      all.pollFirstEntry();
    }
    var lines = new ArrayList<String>();
    all.forEach((each, made) -> lines.add(each + " " + made));
    try {
      var folder = Files.createDirectories(file.toAbsolutePath().getParent());
      var beside = Files.createTempFile(folder, "artifacts", ".new");
      Files.write(beside, lines);
      Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failure) {
      // The next time takes longer, that is all.
      LOG.debug("{} cannot be written: {}", file, failure.toString());
    }
  }

  private SequencedMap<String, String> read() {
    var all = new LinkedHashMap<String, String>();
    if (file == null || !Files.exists(file)) {
      return all;
    }
    try {
      for (var line : Files.readAllLines(file)) {
        var parts = line.split(" ", -1);
        if (parts.length == 2 && Digest.parse(parts[1]).isPresent()) {
          all.put(parts[0], parts[1]);
        }
      }
    } catch (IOException failure) {
      LOG.debug("{} cannot be read: {}", file, failure.toString());
    }
    return all;
  }
}
