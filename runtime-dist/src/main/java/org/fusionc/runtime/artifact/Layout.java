package org.fusionc.runtime.artifact;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.fusionc.frontend.safetensors.JsonReason;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON side of an OCI image layout that holds one fusionc model: what stands in oci-layout,
 * index.json, the manifest and the config, and how each is checked.
 *
 * @param manifest the manifest's own descriptor
 * @param parts everything but manifest and config, by name
 * @param properties what the config says, by key
 */
record Layout(
    Descriptor manifest,
    Descriptor config,
    Map<String, Descriptor> parts,
    Map<String, String> properties) {

  static final String LAYOUT_FILE = "oci-layout";
  static final String INDEX_FILE = "index.json";
  static final String BLOBS = "blobs/sha256";
  static final String LAYOUT_VERSION = "1.0.0";

  private static final Set<String> INDEX_FIELDS =
      Set.of("annotations", "artifactType", "manifests", "mediaType", "schemaVersion", "subject");
  private static final String TITLE = "org.opencontainers.image.title";

  /** Far above any real manifest; keeps a hostile file from filling the memory. */
  static final long MAX_JSON_BYTES = 64L << 20;

  private static final JsonMapper JSON = new JsonMapper();

  Layout {
    parts = Collections.unmodifiableMap(new TreeMap<>(parts));
    properties = Collections.unmodifiableMap(new TreeMap<>(properties));
  }

  static Path blob(Path root, Digest digest) {
    return root.resolve(BLOBS).resolve(digest.hex());
  }

  // ---- writing

  static byte[] layoutFile() {
    return bytes(JSON.createObjectNode().put("imageLayoutVersion", LAYOUT_VERSION));
  }

  static byte[] configBlob(Map<String, String> properties) {
    ObjectNode config = JSON.createObjectNode().put("formatVersion", 1);
    ObjectNode values = config.putObject("properties");
    new TreeMap<>(properties).forEach(values::put);
    return bytes(config);
  }

  static byte[] manifestBlob(Descriptor config, Map<String, Descriptor> parts) {
    ObjectNode json = JSON.createObjectNode();
    json.put("artifactType", MediaTypes.MODEL);
    describe(json.putObject("config"), config);
    var layers = json.putArray("layers");
    new TreeMap<>(parts)
        .forEach((name, part) -> {
          ObjectNode layer = layers.addObject();
          layer.putObject("annotations").put(TITLE, name);
          describe(layer, part);
        });
    json.put("mediaType", MediaTypes.MANIFEST);
    json.put("schemaVersion", 2);
    return bytes(json);
  }

  static byte[] indexFile(Descriptor manifest) {
    ObjectNode json = JSON.createObjectNode();
    ObjectNode entry = json.putArray("manifests").addObject();
    entry.put("artifactType", MediaTypes.MODEL);
    describe(entry, manifest);
    json.put("mediaType", MediaTypes.INDEX);
    json.put("schemaVersion", 2);
    return bytes(json);
  }

  private static void describe(ObjectNode json, Descriptor descriptor) {
    json.put("digest", descriptor.digest().toString());
    json.put("mediaType", descriptor.mediaType());
    json.put("size", descriptor.size());
  }

  /** Compact, keys in the order they were put: sorted, above. */
  private static byte[] bytes(JsonNode json) {
    return JSON.writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
  }

  // ---- reading

  /** Reads and checks everything up to the parts, whose blobs are not looked at. */
  static Layout read(Path root) {
    Path layoutFile = root.resolve(LAYOUT_FILE);
    if (!Files.isRegularFile(layoutFile)) {
      throw invalid(
          root,
          Artifact.isArtifact(root)
              ? "the artifact is not whole: it has %s and %s, but no file %s"
                  .formatted(INDEX_FILE, BLOBS, LAYOUT_FILE)
              : "this is not an artifact: there is no file " + LAYOUT_FILE,
          Artifact.isArtifact(root)
              ? "copy or compile the artifact again"
              : "give a folder that 'fusionc compile' wrote");
    }
    String version = json(layoutFile).path("imageLayoutVersion").asString("");
    if (!version.equals(LAYOUT_VERSION)) {
      throw invalid(
          layoutFile,
          "the OCI image layout has version '" + version + "', and only 1.0.0 is known",
          "compile the model again");
    }
    Path indexFile = root.resolve(INDEX_FILE);
    Descriptor manifest = manifestIn(indexFile);
    Path place = root.resolve("manifest " + manifest.digest());
    var content = manifest(place, manifest, blobJson(root, manifest));
    return new Layout(
        manifest, content.config(), content.parts(), properties(root, content.config()));
  }

  /** Checks what a manifest says. */
  static Manifest manifest(Path place, Descriptor self, JsonNode json) {
    expect(place, json, "mediaType", MediaTypes.MANIFEST);
    expect(place, json, "artifactType", MediaTypes.MODEL);
    Descriptor config = descriptor(place, json.path("config"), "config");
    if (!config.mediaType().equals(MediaTypes.CONFIG)) {
      throw invalid(
          place,
          "the config has the media type '" + config.mediaType() + "', not " + MediaTypes.CONFIG,
          "compile the model again with this version of fusionc");
    }
    return new Manifest(self, config, parts(place, json.path("layers")));
  }

  private static Descriptor manifestIn(Path indexFile) {
    JsonNode index = json(indexFile);
    if (index.path("schemaVersion").asInt(0) != 2 || !index.path("manifests").isArray()) {
      throw invalid(indexFile, "this is not an OCI image index", "compile the model again");
    }
    checkFields(indexFile, index);
    if (index.has("mediaType")) {
      expect(indexFile, index, "mediaType", MediaTypes.INDEX);
    }
    var models = new ArrayList<JsonNode>();
    var others = new ArrayList<String>();
    for (JsonNode entry : index.path("manifests")) {
      String type = entry.path("artifactType").asString("");
      if (type.equals(MediaTypes.MODEL)) {
        models.add(entry);
      } else {
        others.add(type.isEmpty() ? entry.path("mediaType").asString("unknown") : type);
      }
    }
    if (models.size() != 1) {
      throw invalid(
          indexFile,
          models.isEmpty()
              ? "this OCI image layout holds no fusionc model, but "
                  + (others.isEmpty() ? "nothing" : others)
              : "this OCI image layout holds " + models.size() + " fusionc models",
          "give a folder that 'fusionc compile' wrote");
    }
    Descriptor manifest = descriptor(indexFile, models.getFirst(), "manifest");
    if (!manifest.mediaType().equals(MediaTypes.MANIFEST)) {
      throw invalid(
          indexFile,
          "the model's manifest has the media type '" + manifest.mediaType() + "'",
          "compile the model again");
    }
    return manifest;
  }

  /**
   * Other tools may add fields of their own to the index, the one file without a digest; but one
   * that is nearly a known field is damage.
   */
  private static void checkFields(Path indexFile, JsonNode index) {
    for (String field : index.propertyNames()) {
      if (INDEX_FIELDS.contains(field)) {
        continue;
      }
      var meant = Suggestion.nearest(field, INDEX_FIELDS);
      if (meant.isPresent()) {
        throw invalid(
            indexFile,
            "it has a field '" + field + "' where '" + meant.get() + "' must be meant",
            "copy or compile the artifact again");
      }
    }
  }

  private static Map<String, Descriptor> parts(Path place, JsonNode layers) {
    if (!layers.isArray()) {
      throw invalid(place, "the manifest has no list 'layers'", "compile the model again");
    }
    var parts = new TreeMap<String, Descriptor>();
    for (int i = 0; i < layers.size(); i++) {
      JsonNode layer = layers.get(i);
      String name = layer.path("annotations").path(TITLE).asString("");
      if (name.isEmpty()) {
        throw invalid(
            place, "layer " + i + " has no name (" + TITLE + ")", "compile the model again");
      }
      if (parts.put(name, descriptor(place, layer, name)) != null) {
        throw invalid(place, "two layers are named '" + name + "'", "compile the model again");
      }
    }
    return parts;
  }

  private static Map<String, String> properties(Path root, Descriptor config) {
    JsonNode json = blobJson(root, config);
    int version = json.path("formatVersion").asInt(0);
    if (version != 1) {
      throw invalid(
          root,
          "the artifact has format version " + version + ", and this fusionc knows version 1",
          "compile the model again with this version of fusionc");
    }
    var properties = new TreeMap<String, String>();
    json.path("properties")
        .properties()
        .forEach(entry -> properties.put(entry.getKey(), entry.getValue().asString("")));
    return properties;
  }

  private static Descriptor descriptor(Path place, JsonNode json, String name) {
    String digest = json.path("digest").asString("");
    JsonNode size = json.path("size");
    String mediaType = json.path("mediaType").asString("");
    if (mediaType.isEmpty()
        || !size.isIntegralNumber()
        || !size.canConvertToLong()
        || size.longValue() < 0) {
      throw invalid(
          place, "'" + name + "' has no media type or no size", "compile the model again");
    }
    return new Descriptor(
        name,
        mediaType,
        Digest.parse(digest)
            .orElseThrow(() ->
                invalid(
                    place,
                    "'" + name + "' has the digest '" + digest + "', which is not a SHA-256",
                    "compile the model again")),
        size.longValue());
  }

  private static JsonNode blobJson(Path root, Descriptor descriptor) {
    if (descriptor.size() > MAX_JSON_BYTES) {
      throw invalid(root, descriptor + " is too large for JSON", "compile the model again");
    }
    return parse(root, descriptor.toString(), Blobs.bytes(root, descriptor));
  }

  private static JsonNode json(Path file) {
    try {
      if (Files.size(file) > MAX_JSON_BYTES) {
        throw invalid(file, "the file is too large for JSON", "compile the model again");
      }
      return parse(file, file.getFileName().toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      throw invalid(
          file,
          Files.exists(file) ? "the file cannot be read: " + IoReason.of(e) : "the file is missing",
          "copy or compile the artifact again");
    }
  }

  static JsonNode parse(Path place, String what, byte[] bytes) {
    JsonNode json;
    try {
      json = JSON.readTree(bytes);
    } catch (JacksonException e) {
      throw invalid(
          place,
          what + " is not valid JSON: " + JsonReason.of(e),
          "copy or compile the artifact again");
    }
    if (!json.isObject()) {
      throw invalid(place, what + " holds no JSON object", "copy or compile the artifact again");
    }
    return json;
  }

  private static void expect(Path place, JsonNode json, String field, String expected) {
    String actual = json.path(field).asString("");
    if (!actual.equals(expected)) {
      throw invalid(
          place,
          "its " + field + " is '" + actual + "', not " + expected,
          "compile the model again with this version of fusionc");
    }
  }

  static DiagnosticException invalid(Path place, String problem, String remedy) {
    return Diagnostic.invalid(Location.named(place.toString()), problem, remedy).exception();
  }
}
