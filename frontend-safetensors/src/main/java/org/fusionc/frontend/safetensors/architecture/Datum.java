package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** A value that an expression of the table works on. */
sealed interface Datum {

  record Num(double value) implements Datum {
    @Override
    public String toString() {
      return value == Math.rint(value) && Math.abs(value) < 1e15
          ? Long.toString((long) value)
          : Double.toString(value);
    }
  }

  record Str(String value) implements Datum {
    @Override
    public String toString() {
      return '"' + value + '"';
    }
  }

  record Bool(boolean value) implements Datum {
    @Override
    public String toString() {
      return Boolean.toString(value);
    }
  }

  record Seq(List<Datum> elements) implements Datum {
    @Override
    public String toString() {
      return elements.stream().map(Datum::toString).collect(Collectors.joining(", ", "[", "]"));
    }
  }

  /** An object of config.json; {@code path} is its place, such as {@code rope_parameters}. */
  record Obj(JsonNode node, String path) implements Datum {
    @Override
    public String toString() {
      return node.toString();
    }
  }

  /** No value: a field that is absent or {@code null}, or the literal {@code null} (empty path). */
  record Nothing(String path) implements Datum {
    @Override
    public String toString() {
      return "null";
    }
  }

  Datum TRUE = new Bool(true);
  Datum FALSE = new Bool(false);
  Datum NULL = new Nothing("");

  static Datum of(boolean value) {
    return value ? TRUE : FALSE;
  }

  /** A JSON value as a datum; {@code path} says where it stands. */
  static Datum of(JsonNode node, String path) {
    if (node.isNumber()) {
      return new Num(node.doubleValue());
    }
    if (node.isBoolean()) {
      return of(node.booleanValue());
    }
    if (node.isString()) {
      return new Str(node.stringValue());
    }
    if (node.isArray()) {
      var elements = new ArrayList<Datum>();
      for (var element : node) {
        elements.add(of(element, path + "[" + elements.size() + "]"));
      }
      return new Seq(List.copyOf(elements));
    }
    return node.isObject() ? new Obj(node, path) : new Nothing(path);
  }
}
