package org.fusionc.partitioner.cluster;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/** A small YAML document whose every part knows its line and column. */
sealed interface YamlTree {
  /** A cluster file needs four levels; nesting is bounded because the composer recurses over it. */
  int MAX_DEPTH = 32;

  /** Characters; a thousand machines take a tenth of this. */
  int MAX_SIZE = 1 << 20;

  Location location();

  /** Anything that is neither a mapping nor a list, as it was written. */
  record Scalar(String text, Location location) implements YamlTree {}

  record Sequence(List<YamlTree> items, Location location) implements YamlTree {}

  record Mapping(SequencedMap<String, YamlTree> entries, Location location) implements YamlTree {

    /** Refuses every key but these. */
    void allowOnly(String subject, List<String> keys) {
      for (var entry : entries.entrySet()) {
        if (!keys.contains(entry.getKey())) {
          throw Diagnostic.invalid(
                  entry.getValue().location(),
                  "unknown key '" + entry.getKey() + "' in " + subject,
                  Suggestion.didYouMean(
                      entry.getKey(), keys, "it may have " + String.join(", ", keys)))
              .exception();
        }
      }
    }

    YamlTree required(String subject, String key, String example) {
      var value = entries.get(key);
      if (value == null) {
        throw Diagnostic.invalid(
                location, subject + " lacks '" + key + "'", "add " + key + ": " + example)
            .exception();
      }
      return value;
    }

    Optional<YamlTree> optional(String key) {
      return Optional.ofNullable(entries.get(key));
    }
  }

  default Scalar scalar(String what) {
    if (this instanceof Scalar scalar) {
      return scalar;
    }
    throw wrongShape(what, "a single value");
  }

  default Sequence sequence(String what, String example) {
    if (this instanceof Sequence sequence) {
      return sequence;
    }
    throw wrongShape(what, "a list, such as " + example);
  }

  default Mapping mapping(String what, String example) {
    if (this instanceof Mapping mapping) {
      return mapping;
    }
    throw wrongShape(what, "a mapping, such as " + example);
  }

  private DiagnosticException wrongShape(String what, String expected) {
    return Diagnostic.invalid(
            location(),
            what
                + " is "
                + switch (this) {
                  case Scalar(var text, _) -> "'" + text + "'";
                  case Sequence _ -> "a list";
                  case Mapping _ -> "a mapping";
                }
                + ", but should be "
                + expected,
            "write it so")
        .exception();
  }

  /**
   * Parses one document.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException on malformed YAML, a key given twice, too
   *     deep nesting or too large a file
   */
  static YamlTree parse(String file, String text) {
    if (text.length() > MAX_SIZE) {
      throw Diagnostic.invalid(
              Location.named(file),
              "the file has " + text.length() + " characters, more than " + MAX_SIZE,
              "use count for identical machines")
          .exception();
    }
    var settings =
        LoadSettings.builder()
            .setLabel(file)
            .setCodePointLimit(MAX_SIZE)
            .setMaxAliasesForCollections(16)
            .build();
    try {
      int depth = 0;
      for (var event : new Parse(settings).parseString(text)) {
        depth +=
            switch (event.getEventId()) {
              case MappingStart, SequenceStart -> 1;
              case MappingEnd, SequenceEnd -> -1;
              default -> 0;
            };
        if (depth > MAX_DEPTH) {
          throw Diagnostic.invalid(
                  at(file, event), "the file nests deeper than " + MAX_DEPTH, "write it flat")
              .exception();
        }
        if (event.getEventId() == Event.ID.Alias) {
          throw Diagnostic.invalid(
                  at(file, event), "aliases are not supported here", "write the value again")
              .exception();
        }
      }
      return new Compose(settings)
          .composeString(text)
          .map(node -> of(file, node))
          .orElseThrow(() ->
              Diagnostic.invalid(
                      Location.named(file), "the file is empty", "list the devices in it")
                  .exception());
    } catch (MarkedYamlEngineException problem) {
      throw Diagnostic.invalid(
              problem.getProblemMark().map(mark -> at(file, mark)).orElse(Location.named(file)),
              "this is not YAML: " + problem.getProblem(),
              "correct the line")
          .exception();
    } catch (YamlEngineException problem) {
      throw Diagnostic.invalid(
              Location.named(file), "this is not YAML: " + problem.getMessage(), "correct the file")
          .exception();
    }
  }

  private static YamlTree of(String file, Node node) {
    var location = node.getStartMark().map(mark -> at(file, mark)).orElse(Location.named(file));
    return switch (node) {
      case ScalarNode scalar -> new Scalar(scalar.getValue(), location);
      case SequenceNode sequence -> {
        var items = new ArrayList<YamlTree>();
        sequence.getValue().forEach(item -> items.add(of(file, item)));
        yield new Sequence(items, location);
      }
      case MappingNode mapping -> {
        var entries = new LinkedHashMap<String, YamlTree>();
        for (var tuple : mapping.getValue()) {
          var key = of(file, tuple.getKeyNode()).scalar("a key").text();
          if (entries.put(key, of(file, tuple.getValueNode())) != null) {
            throw Diagnostic.invalid(
                    of(file, tuple.getKeyNode()).location(),
                    "the key '" + key + "' is given twice",
                    "delete one of them")
                .exception();
          }
        }
        yield new Mapping(entries, location);
      }
      default -> throw new IllegalStateException("an alias survived: " + node);
    };
  }

  private static Location at(String file, Event event) {
    return event.getStartMark().map(mark -> at(file, mark)).orElse(Location.named(file));
  }

  private static Location at(String file, Mark mark) {
    return new Location.Text(file, mark.getLine() + 1, mark.getColumn() + 1);
  }
}
