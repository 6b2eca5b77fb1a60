package org.fusionc.frontend.safetensors;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Parses the JSON header of a safetensors file. Only the single entries are checked here; {@link
 * LayoutCheck} sees to it that they fit together and into the file.
 */
final class HeaderReader {
  private static final JsonFactory JSON = new JsonFactory();
  private static final String REMEDY = "download the file again, or save it anew";
  private static final String METADATA = "__metadata__";
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  /** An entry as written; offsets count from the end of the header. */
  record Entry(String name, StoredDtype dtype, List<Long> shape, long begin, long end) {}

  /**
   * @param entries in the order of the header
   * @param metadata free text that the writer left
   */
  record Header(List<Entry> entries, Map<String, String> metadata) {}

  private final Path file;
  private final JsonParser parser;

  private HeaderReader(Path file, JsonParser parser) {
    this.file = file;
    this.parser = parser;
  }

  /**
   * @param bytes the header without its length
   */
  static Header read(Path file, byte[] bytes) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException malformed) {
      throw invalid(file, "the header is not UTF-8 text");
    }
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
      return new HeaderReader(file, parser).header();
    } catch (JacksonException malformed) {
      var place = malformed.getLocation();
      String where = place == null ? "" : ", at its byte " + Math.max(0, place.getCharOffset());
      throw invalid(file, "the header is not valid JSON" + where + ": " + JsonReason.of(malformed));
    }
  }

  private Header header() {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw invalid(file, "the header is not a JSON object");
    }
    var entries = new ArrayList<Entry>();
    var names = new HashSet<String>();
    Map<String, String> metadata = Map.of();
    for (String name = parser.nextName(); name != null; name = parser.nextName()) {
      if (!names.add(name)) {
        throw invalid(name, "the header lists this name twice");
      }
      if (name.equals(METADATA)) {
        metadata = metadata();
      } else {
        entries.add(entry(name));
      }
    }
    if (parser.nextToken() != null) {
      throw invalid(file, "the header goes on after its JSON object");
    }
    return new Header(entries, metadata);
  }

  private Map<String, String> metadata() {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw invalid(METADATA, "the value is not a JSON object");
    }
    var metadata = new LinkedHashMap<String, String>();
    for (String key = parser.nextName(); key != null; key = parser.nextName()) {
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw invalid(METADATA, "the value of '" + JsonFile.shortened(key) + "' is not a string");
      }
      if (metadata.put(key, parser.getString()) != null) {
        throw invalid(METADATA, "'" + JsonFile.shortened(key) + "' is listed twice");
      }
    }
    return metadata;
  }

  private Entry entry(String name) {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw invalid(name, "the header's entry is not a JSON object");
    }
    @Nullable StoredDtype dtype = null;
    @Nullable List<Long> shape = null;
    @Nullable List<Long> offsets = null;
    var seen = new HashSet<String>();
    for (String field = parser.nextName(); field != null; field = parser.nextName()) {
      if (!seen.add(field)) {
        throw invalid(name, "the header's entry has '" + JsonFile.shortened(field) + "' twice");
      }
      parser.nextToken();
      switch (field) {
        case "dtype" -> dtype = dtype(name);
        case "shape" -> shape = naturals(name, "shape");
        case "data_offsets" -> offsets = naturals(name, "data_offsets");
        default ->
            throw invalid(
                name,
                "the header's entry has an unknown field '" + JsonFile.shortened(field) + "'");
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      String absent =
          FIELDS.stream().sorted().filter(field -> !seen.contains(field)).findFirst().orElse("");
      throw invalid(name, "the header's entry has no '" + absent + "'");
    }
    if (offsets.size() != 2) {
      throw invalid(
          name, "data_offsets must be [begin, end], and has " + offsets.size() + " numbers");
    }
    return new Entry(name, dtype, shape, offsets.get(0), offsets.get(1));
  }

  private StoredDtype dtype(String name) {
    if (parser.currentToken() != JsonToken.VALUE_STRING) {
      throw invalid(name, "the dtype is not a string");
    }
    String written = parser.getString();
    return StoredDtype.of(written)
        .orElseThrow(() ->
            Diagnostic.invalid(
                    at(file, name),
                    "the dtype '" + JsonFile.shortened(written) + "' is unknown",
                    Suggestion.didYouMean(
                        written,
                        StoredDtype.names(),
                        "known are " + String.join(", ", StoredDtype.names())))
                .exception());
  }

  private List<Long> naturals(String name, String field) {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw invalid(name, field + " is not a list");
    }
    var numbers = new ArrayList<Long>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
        throw invalid(name, field + " holds something other than an integer");
      }
      BigInteger number = parser.getBigIntegerValue();
      if (number.signum() < 0) {
        throw invalid(name, field + " holds " + JsonFile.shortened(number + "") + ", a negative");
      }
      if (number.bitLength() > 63) {
        throw invalid(
            name,
            field
                + " holds "
                + JsonFile.shortened(number + "")
                + ", which no file can be as long as");
      }
      numbers.add(number.longValueExact());
    }
    return numbers;
  }

  private DiagnosticException invalid(String tensor, String message) {
    return Diagnostic.invalid(at(file, tensor), message, REMEDY).exception();
  }

  private static DiagnosticException invalid(Path file, String message) {
    return Diagnostic.invalid(Location.named(file.toString()), message, REMEDY).exception();
  }

  /** A tensor in a file; its name comes from the file, so nothing in it may disturb a terminal. */
  static Location at(Path file, String tensor) {
    String name = JsonFile.shortened(tensor).replaceAll("\\p{Cntrl}", "?");
    return Location.named(file + ": tensor '" + name + "'");
  }
}
