package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.artifact.MediaTypes;
import org.junit.jupiter.params.provider.MethodSource;

/** An artifact's manifest: refused with a reason, or all of its blobs have digests and sizes. */
class ManifestFuzzTest {
  private static final String DIGEST = "sha256:" + "ab".repeat(32);
  private static final String MANIFEST =
      """
      {"artifactType": "%s",
       "config": {"digest": "%s", "mediaType": "%s", "size": 2},
       "layers": [{"annotations": {"org.opencontainers.image.title": "module.fir"},
                   "digest": "%s", "mediaType": "%s", "size": 7}],
       "mediaType": "%s", "schemaVersion": 2}
      """
          .formatted(
              MediaTypes.MODEL,
              "sha256:" + "cd".repeat(32),
              MediaTypes.CONFIG,
              DIGEST,
              MediaTypes.FIR,
              MediaTypes.MANIFEST);

  static Stream<byte[]> seeds() {
    return Stream.of(
            MANIFEST,
            MANIFEST.replace("\"size\": 7", "\"size\": -7"),
            MANIFEST.replace(DIGEST, "sha256:../../x"),
            MANIFEST.replace("\"size\": 7", "\"size\": 1e400"),
            MANIFEST.replace("\"size\": 7", "\"size\": " + "7".repeat(40)),
            "{}",
            "[".repeat(3000))
        .map(Seeds::of);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void manifests(byte[] input) {
    try {
      var manifest = Manifest.parse(input);
      for (var blob : manifest.blobs()) {
        assertThat(blob.size()).isNotNegative();
        assertThat(Digest.parse(blob.digest().toString())).contains(blob.digest());
      }
    } catch (DiagnosticException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    }
  }
}
