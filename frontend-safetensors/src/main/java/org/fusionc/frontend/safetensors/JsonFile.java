package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON files whose whole is one object. */
final class JsonFile {
  // Python writes NaN and Infinity as bare words; a field that holds one is refused where it is
  // read, so that one which nobody needs does no harm.
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                  .build())
          .build();

  private JsonFile() {}

  /**
   * Reads a file that must exist.
   *
   * @param remedy what to do if it does not
   * @throws DiagnosticException if it is missing, unreadable, not JSON, or not an object
   */
  static ObjectNode read(Path file, String remedy) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException missing) {
      throw Diagnostic.invalid(at(file), "there is no such file", remedy).exception();
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
    JsonNode root;
    try {
      root = MAPPER.readTree(bytes);
    } catch (JacksonException malformed) {
      throw malformed(file, malformed);
    }
    if (root instanceof ObjectNode object) {
      return object;
    }
    throw Diagnostic.invalid(
            at(file),
            "the file must hold one JSON object, and holds "
                + (root.isMissingNode() ? "nothing" : shortened(root.toString())),
            "download the file again")
        .exception();
  }

  static String write(JsonNode node) {
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
  }

  /** The same, on one line. */
  static byte[] writeCompact(JsonNode node) {
    return MAPPER.writeValueAsBytes(node);
  }

  static ObjectNode newObject() {
    return MAPPER.createObjectNode();
  }

  static DiagnosticException unreadable(Path file, IOException failure) {
    return Diagnostic.invalid(
            at(file),
            "the file cannot be read: " + IoReason.of(failure),
            "check that it is a file and that you may read it")
        .exception();
  }

  /** A value as it may stand in a message. */
  static String shortened(String value) {
    return value.length() <= 80 ? value : value.substring(0, 77) + "...";
  }

  private static DiagnosticException malformed(Path file, JacksonException malformed) {
    var place = malformed.getLocation();
    Location location =
        place == null || place.getLineNr() < 1
            ? at(file)
            : new Location.Text(file.toString(), place.getLineNr(), place.getColumnNr());
    return Diagnostic.invalid(
            location,
            "the file is not valid JSON: " + JsonReason.of(malformed),
            "correct it there, or download the file again")
        .exception();
  }

  private static Location at(Path file) {
    return Location.named(file.toString());
  }
}
