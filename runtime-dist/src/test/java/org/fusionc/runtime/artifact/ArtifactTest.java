package org.fusionc.runtime.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ArtifactTest {
  private static final String FIR = "fir 1.0\n# caf\u00e9\n";

  @TempDir Path folder;

  @Test
  void whatIsWrittenIsRead() {
    Path out = folder.resolve("model");
    String digest = write(out, "x");
    try (var artifact = Artifact.open(out)) {
      artifact.verify();
      assertThat(artifact.digest()).isEqualTo(digest);
      assertThat(artifact.properties()).containsExactly(Map.entry("model", "x"));
      assertThat(artifact.names())
          .containsExactly("empty", "module.fir", "twin", "weights/a", "weights/b");
      assertThat(artifact.text("module.fir")).isEqualTo(FIR);
      assertThat(artifact.mediaType("module.fir")).isEqualTo(MediaTypes.FIR);
      assertThat(artifact.tensor("weights/a").toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes(1));
      assertThat(artifact.tensor("twin").mismatch(artifact.tensor("weights/a"))).isEqualTo(-1);
      assertThat(artifact.digest("twin")).isEqualTo(artifact.digest("weights/a"));
      assertThat(artifact.tensor("empty").byteSize()).isZero();
      assertThat(artifact.tensor("weights/b").address() % 64).isZero();
      assertThat(artifact.tensor("weights/b").isReadOnly()).isTrue();
      assertThat(artifact.size("weights/b")).isEqualTo(100_001);
    }
  }

  @Test
  void theSamePartsGiveTheSameBytesInAnyOrder() throws Exception {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    write(one, "x");
    try (var writer = ArtifactWriter.create(two)) {
      List.of("weights/b", "weights/a", "twin", "empty").parallelStream()
          .forEach(name -> writer.addTensor(name, tensor(name)));
      writer.property("model", "x").addText("module.fir", MediaTypes.FIR, FIR).finish();
    }
    assertThat(tree(one)).isEqualTo(tree(two)).hasSize(8);
  }

  /** Read with nothing but the OCI specification: what any registry tool would see. */
  @Test
  void itIsAnOciImageLayout() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    assertThat(Files.readString(out.resolve("oci-layout")))
        .isEqualTo("{\"imageLayoutVersion\":\"1.0.0\"}");
    JsonNode index = json(Files.readAllBytes(out.resolve("index.json")));
    assertThat(index.at("/schemaVersion").asInt()).isEqualTo(2);
    JsonNode manifest = json(blobOf(out, index.at("/manifests/0")));
    assertThat(index.at("/manifests/0/mediaType").stringValue())
        .isEqualTo("application/vnd.oci.image.manifest.v1+json")
        .isEqualTo(manifest.at("/mediaType").stringValue());
    assertThat(manifest.at("/artifactType").stringValue())
        .isEqualTo("application/vnd.fusionc.model.v1");
    blobOf(out, manifest.at("/config"));
    assertThat(manifest.at("/layers").size()).isEqualTo(5);
    for (JsonNode layer : manifest.at("/layers")) {
      blobOf(out, layer);
    }
  }

  @Test
  void anArtifactIsReplacedWholeAndOldBlobsGo() throws Exception {
    Path out = folder.resolve("model");
    Path fresh = folder.resolve("fresh");
    write(out, "old");
    String digest;
    try (var old = Artifact.open(out)) {
      MemorySegment inUse = old.tensor("weights/b");
      digest = writeOther(out);
      assertThat(inUse.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes(2));
    }
    assertThat(writeOther(fresh)).isEqualTo(digest);
    assertThat(tree(out)).isEqualTo(tree(fresh));
    assertOnlyHere("model", "fresh");
  }

  @Test
  void anAbandonedWriterLeavesNothing() throws Exception {
    Path out = folder.resolve("model");
    try (var writer = ArtifactWriter.create(out)) {
      writer.addText("a", MediaTypes.TEXT, "b");
    }
    assertOnlyHere();
    write(out, "kept");
    var before = tree(out);
    try (var writer = ArtifactWriter.create(out)) {
      writer.addText("a", MediaTypes.TEXT, "b");
    }
    assertThat(tree(out)).isEqualTo(before);
    assertOnlyHere("model");
  }

  @Test
  void anEmptyFolderMayBeUsed() throws Exception {
    Path out = Files.createDirectories(folder.resolve("deep/model"));
    write(out, "x");
    Artifact.open(out).close();
  }

  @Test
  void whatIsNotAnArtifactIsNotOverwritten() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "precious");
    Path directory = Files.createDirectory(folder.resolve("directory"));
    Files.writeString(directory.resolve("thesis.txt"), "precious");
    Path foreign = Files.createDirectory(folder.resolve("foreign"));
    Files.writeString(foreign.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    Files.writeString(
        foreign.resolve("index.json"),
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/x\"}]}");
    for (Path target : List.of(file, directory, foreign)) {
      assertThatThrownBy(() -> ArtifactWriter.create(target))
          .isInstanceOfSatisfying(
              DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(Failure.USAGE))
          .hasMessageContaining(target.toString());
    }
    assertOnlyHere("file", "directory", "foreign");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/a", "a/../b", "a//b", "a\nb", "."})
  void aNameThatLeadsElsewhereIsRefused(String name) {
    try (var writer = ArtifactWriter.create(folder.resolve("model"))) {
      assertThatThrownBy(() -> writer.addText(name, MediaTypes.TEXT, ""))
          .isInstanceOf(DiagnosticException.class);
    }
  }

  @Test
  void anUnknownNameGetsTheNearestOne() {
    Path out = folder.resolve("model");
    write(out, "x");
    try (var artifact = Artifact.open(out)) {
      assertThatThrownBy(() -> artifact.tensor("weights/c"))
          .hasMessageContaining("no part 'weights/c'")
          .hasMessageContaining("weights/a");
      assertThatThrownBy(() -> artifact.text("weights/a")).hasMessageContaining("is not text");
      assertThatThrownBy(() -> artifact.tensor("module.fir"))
          .hasMessageContaining("is not a tensor");
    }
  }

  @Test
  void oneFlippedBitAnywhereIsFound() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    var random = new Random(4);
    for (Path file : files(out)) {
      byte[] good = Files.readAllBytes(file);
      int rounds = file.endsWith("index.json") ? 8 * good.length : 20;
      for (int round = 0; round < rounds && good.length > 0; round++) {
        byte[] bad = good.clone();
        int bit = file.endsWith("index.json") ? round : random.nextInt(8 * bad.length);
        bad[bit / 8] ^= (byte) (1 << bit % 8);
        Files.write(file, bad);
        assertInvalid(out, out.toString());
      }
      Files.write(file, good);
    }
    openAndVerify(out);
  }

  @Test
  void aTruncatedGrownOrMissingFileIsFound() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    for (Path file : files(out)) {
      byte[] good = Files.readAllBytes(file);
      String blob = file.getFileName().toString();
      if (good.length > 0) {
        Files.write(file, Arrays.copyOf(good, good.length - 1));
        assertInvalid(out, blob);
      }
      Files.write(file, Arrays.copyOf(good, good.length + 1));
      assertInvalid(out, blob);
      Files.delete(file);
      assertInvalid(out, blob);
      Files.write(file, good);
    }
    openAndVerify(out);
  }

  @Test
  void theMessageNamesBlobAndRole() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    String digest;
    try (var artifact = Artifact.open(out)) {
      digest = artifact.digest("weights/b");
    }
    Path blob = out.resolve("blobs/sha256").resolve(digest.substring(7));
    Files.delete(blob);
    assertInvalid(out, digest + " ('weights/b', application/vnd.fusionc.tensor.v1) is missing");
    try (var artifact = Artifact.open(out)) {
      assertThat(artifact.text("module.fir")).as("other parts can be used").isEqualTo(FIR);
      assertThatThrownBy(() -> artifact.tensor("weights/b")).hasMessageContaining("is missing");
    }
  }

  @Test
  void everyDamagedPartIsListed() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    try (var artifact = Artifact.open(out)) {
      for (String name : List.of("weights/a", "module.fir")) {
        Files.delete(out.resolve("blobs/sha256").resolve(artifact.digest(name).substring(7)));
      }
      assertThatThrownBy(artifact::verify)
          .isInstanceOfSatisfying(
              DiagnosticException.class, e -> assertThat(e.diagnostics()).hasSize(3));
    }
  }

  @Test
  void garbageInTheIndexIsADiagnostic() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    for (String garbage :
        List.of(
            "",
            "garbage",
            "[]",
            "{}",
            "{\"schemaVersion\":2,\"manifests\":3}",
            "{\"schemaVersion\":2,\"manifests\":[]}",
            "{\"schemaVersion\":1,\"manifests\":[]}",
            "[".repeat(100_000))) {
      Files.writeString(out.resolve("index.json"), garbage);
      assertInvalid(out, "index.json");
    }
  }

  @Test
  void foreignTypesAndDigestsAreDiagnostics() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    String index = Files.readString(out.resolve("index.json"));
    for (List<String> change :
        List.of(
            List.of("vnd.fusionc.model.v1", "vnd.other.v1"),
            List.of("oci.image.manifest.v1", "docker.manifest.v2"),
            List.of("sha256:", "sha512:"),
            List.of("sha256:", "sha256:../../"),
            List.of("\"size\":", "\"size\":-"),
            List.of("\"size\"", "\"length\""))) {
      Files.writeString(
          out.resolve("index.json"), index.replace(change.getFirst(), change.getLast()));
      assertInvalid(out, "index.json");
    }
    Files.writeString(out.resolve("index.json"), index);
    Files.writeString(out.resolve("oci-layout"), "{\"imageLayoutVersion\":\"2.0.0\"}");
    assertInvalid(out, "'2.0.0'");
    Files.delete(out.resolve("oci-layout"));
    assertInvalid(out, "not whole");
    Files.delete(out.resolve("index.json"));
    assertInvalid(out, "not an artifact");
    assertInvalid(folder.resolve("nowhere"), "nowhere");
  }

  /** Manifests that carry the right digest but say nonsense. */
  @Test
  void aWellSignedButWrongManifestIsADiagnostic() throws Exception {
    Path out = folder.resolve("model");
    write(out, "x");
    assertManifestRefused(
        out, text -> text.replace("fusionc.model.v1", "other.v1"), "artifactType");
    assertManifestRefused(
        out, text -> text.replace("fusionc.model.config", "other.config"), "media type");
    assertManifestRefused(out, text -> text.replace("weights/a", "weights/b"), "two layers");
    assertManifestRefused(out, text -> text.replace(".title", ".label"), "has no name");
    assertManifestRefused(out, text -> text.replace("\"layers\"", "\"leyers\""), "layers");
    assertManifestRefused(out, text -> "[" + text + "]", "no JSON object");
    assertManifestRefused(out, text -> text.substring(1), "not valid JSON");
    assertManifestRefused(
        out, text -> text.replace("sha256:", "sha256:../../../etc/"), "not a SHA-256");
  }

  private void assertManifestRefused(Path out, UnaryOperator<String> change, String message)
      throws Exception {
    JsonNode index = json(Files.readAllBytes(out.resolve("index.json")));
    String good = index.at("/manifests/0/digest").stringValue();
    String text = new String(blobOf(out, index.at("/manifests/0")), StandardCharsets.UTF_8);
    byte[] bad = change.apply(text).getBytes(StandardCharsets.UTF_8);
    assertThat(bad).isNotEqualTo(text.getBytes(StandardCharsets.UTF_8));
    String digest = sha256(bad);
    Files.write(out.resolve("blobs/sha256").resolve(digest), bad);
    String original = Files.readString(out.resolve("index.json"));
    Files.writeString(
        out.resolve("index.json"),
        original
            .replace(good, "sha256:" + digest)
            .replaceFirst("\"size\":\\d+", "\"size\":" + bad.length));
    assertInvalid(out, message);
    Files.writeString(out.resolve("index.json"), original);
  }

  private static void assertInvalid(Path out, String message) {
    assertThatThrownBy(() -> openAndVerify(out))
        .isInstanceOfSatisfying(
            DiagnosticException.class,
            e -> assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT))
        .hasMessageContaining(message);
  }

  private static void openAndVerify(Path out) {
    try (var artifact = Artifact.open(out)) {
      artifact.verify();
    }
  }

  private void assertOnlyHere(String... names) throws IOException {
    try (var list = Files.list(folder)) {
      assertThat(list.map(path -> path.getFileName().toString())).containsExactlyInAnyOrder(names);
    }
  }

  private static String write(Path out, String model) {
    try (var writer = ArtifactWriter.create(out)) {
      writer.property("model", model).addText("module.fir", MediaTypes.FIR, FIR);
      for (String name : List.of("empty", "twin", "weights/a", "weights/b")) {
        writer.addTensor(name, tensor(name));
      }
      return writer.finish();
    }
  }

  private static String writeOther(Path out) {
    try (var writer = ArtifactWriter.create(out)) {
      return writer.addTensor("weights/a", MemorySegment.ofArray(bytes(1))).finish();
    }
  }

  private static MemorySegment tensor(String name) {
    return MemorySegment.ofArray(
        switch (name) {
          case "empty" -> new byte[0];
          case "weights/b" -> bytes(2);
          default -> bytes(1);
        });
  }

  private static byte[] bytes(int seed) {
    var bytes = new byte[seed == 1 ? 4096 : 100_001];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static JsonNode json(byte[] bytes) {
    return new JsonMapper().readTree(bytes);
  }

  /** The blob a descriptor points to, after checking size and digest by hand. */
  private static byte[] blobOf(Path out, JsonNode descriptor) throws Exception {
    String digest = descriptor.at("/digest").stringValue();
    byte[] bytes = Files.readAllBytes(out.resolve("blobs/sha256").resolve(digest.substring(7)));
    assertThat(bytes).hasSize(descriptor.at("/size").asInt());
    assertThat("sha256:" + sha256(bytes)).isEqualTo(digest);
    assertThat(descriptor.at("/mediaType").stringValue()).isNotEmpty();
    return bytes;
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static List<Path> files(Path root) throws IOException {
    var files = new ArrayList<Path>();
    try (var walk = Files.walk(root)) {
      walk.filter(Files::isRegularFile).sorted().forEach(files::add);
    }
    return files;
  }

  private static Map<String, String> tree(Path root) throws Exception {
    var tree = new TreeMap<String, String>();
    for (Path file : files(root)) {
      tree.put(root.relativize(file).toString(), sha256(Files.readAllBytes(file)));
    }
    return tree;
  }
}
