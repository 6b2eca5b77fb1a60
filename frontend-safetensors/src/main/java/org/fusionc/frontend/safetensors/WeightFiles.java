package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The weight files of a model directory: one, or shards with an index, or none. */
final class WeightFiles {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  /** How transformers names the shards of a model. */
  static final String SHARD = "model-%05d-of-%05d.safetensors";

  private final Path directory;

  WeightFiles(Path directory) {
    this.directory = directory;
  }

  /**
   * Maps them all and checks them; where there is a single file it counts, index or not.
   *
   * @return by file name; empty if there are none
   */
  SequencedMap<String, SafetensorsFile> open(Arena arena) {
    var files = new LinkedHashMap<String, SafetensorsFile>();
    Path single = directory.resolve(SINGLE);
    Path index = directory.resolve(INDEX);
    if (Files.exists(single)) {
      files.put(SINGLE, SafetensorsFile.open(single, arena));
    } else if (Files.exists(index)) {
      openShards(index, arena, files);
    } else {
      refuseShardsWithoutIndex();
    }
    return Collections.unmodifiableSequencedMap(files);
  }

  /** Every tensor of the files, which must not have a name in common. */
  static SequencedMap<String, StoredTensor> tensors(
      Path directory, SequencedMap<String, SafetensorsFile> files) {
    var tensors = new LinkedHashMap<String, StoredTensor>();
    for (SafetensorsFile file : files.values()) {
      for (StoredTensor tensor : file.tensors().values()) {
        StoredTensor other = tensors.putIfAbsent(tensor.name(), tensor);
        if (other != null) {
          throw Diagnostic.invalid(
                  HeaderReader.at(directory.resolve(tensor.file()), tensor.name()),
                  "the tensor is in " + other.file() + " as well",
                  "download both files again; the shards are of different models or versions")
              .exception();
        }
      }
    }
    return Collections.unmodifiableSequencedMap(tensors);
  }

  private void openShards(Path index, Arena arena, Map<String, SafetensorsFile> files) {
    SequencedMap<String, String> map = weightMap(index);
    var names = new TreeSet<>(map.values());
    List<String> missing =
        names.stream().filter(name -> !Files.exists(directory.resolve(name))).toList();
    if (!missing.isEmpty()) {
      throw Diagnostic.invalid(
              Location.named(index.toString()),
              "of "
                  + names.size()
                  + " shards "
                  + missing.size()
                  + " are missing: "
                  + String.join(", ", missing.subList(0, Math.min(5, missing.size())))
                  + (missing.size() > 5 ? ", ..." : ""),
              "download them into " + directory + ", or remove the index to plan without weights")
          .exception();
    }
    names.forEach(name -> files.put(name, SafetensorsFile.open(directory.resolve(name), arena)));
    map.forEach((tensor, shard) -> {
      SafetensorsFile file = files.get(shard);
      if (file == null || file.find(tensor).isEmpty()) {
        throw notWhereTheIndexSays(index, tensor, shard, files);
      }
    });
  }

  private static DiagnosticException notWhereTheIndexSays(
      Path index, String tensor, String shard, Map<String, SafetensorsFile> files) {
    Optional<String> actual =
        files.entrySet().stream()
            .filter(file -> file.getValue().find(tensor).isPresent())
            .map(Map.Entry::getKey)
            .findFirst();
    return Diagnostic.invalid(
            HeaderReader.at(index, tensor),
            "weight_map puts it into "
                + shard
                + ", but "
                + actual.map(file -> "it is in " + file).orElse("no shard has it"),
            "download the index and the shards again, from the same place")
        .exception();
  }

  private SequencedMap<String, String> weightMap(Path index) {
    ObjectNode root = JsonFile.read(index, "download the index again");
    if (!(root.get("weight_map") instanceof ObjectNode map) || map.isEmpty()) {
      throw invalid(index, "there is no 'weight_map' object, or it is empty");
    }
    var shards = new TreeMap<String, String>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      JsonNode shard = entry.getValue();
      // A name with a path in it could reach any file of the machine.
      if (!shard.isString()
          || !shard.stringValue().endsWith(".safetensors")
          || shard.stringValue().matches(".*[/\\\\\\p{Cntrl}].*")) {
        throw Diagnostic.invalid(
                HeaderReader.at(index, entry.getKey()),
                "weight_map must give the plain name of a .safetensors file, and gives "
                    + JsonFile.shortened(shard.toString()),
                "download the index again")
            .exception();
      }
      shards.put(entry.getKey(), shard.stringValue());
    }
    return shards;
  }

  private void refuseShardsWithoutIndex() {
    var shards = new ArrayList<String>();
    try (Stream<Path> entries = Files.list(directory)) {
      entries
          .map(SafetensorsFile::fileName)
          .filter(name -> name.matches("model-\\d+-of-\\d+\\.safetensors"))
          .sorted()
          .forEach(shards::add);
    } catch (IOException failure) {
      throw JsonFile.unreadable(directory, failure);
    }
    if (!shards.isEmpty()) {
      throw invalid(
          directory, "there are shards such as " + shards.getFirst() + " but no " + INDEX);
    }
  }

  private static DiagnosticException invalid(Path path, String message) {
    return Diagnostic.invalid(
            Location.named(path.toString()), message, "download " + INDEX + " again")
        .exception();
  }
}
