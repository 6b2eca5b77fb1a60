package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.antlr.v4.runtime.Token;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/** Makes an op of what its line says. */
final class OpBuilder {
  /**
   * A body as it stands after the operands.
   *
   * @param function null if something in it is wrong
   */
  record Body(Token name, @Nullable Function function) {}

  private final Source source;
  private final Problems problems;
  private final Graph graph;
  private final OpRegistry registry;
  private final TypeReader types;
  private final AttributeReader values;
  private final Symbols symbols;

  OpBuilder(
      Source source,
      Problems problems,
      Graph graph,
      OpRegistry registry,
      TypeReader types,
      Symbols symbols) {
    this.source = source;
    this.problems = problems;
    this.graph = graph;
    this.registry = registry;
    this.types = types;
    this.values = new AttributeReader(source, types);
    this.symbols = symbols;
  }

  /**
   * Builds the op and names its results; if it is wrong, that is reported and they have no value.
   */
  void build(
      FirParser.OpHeadContext head,
      Map<String, Body> bodies,
      FirParser.OpTailContext tail,
      Scope scope,
      List<String> comments) {
    int problemsBefore = problems.count();
    var operands = new ArrayList<@Nullable Value>();
    boolean known = true;
    for (var operand : head.operand()) {
      var value = operand(operand, scope);
      known &= value != null || operand.ABSENT() != null;
      operands.add(value);
    }
    @Nullable Op op = null;
    try {
      var schema = registry.get(head.opName().getText(), source.location(head.opName()));
      var stated = tail.types() == null ? null : types.types(tail.types());
      var attributes = attributes(head, schema, bodies);
      if (known && attributes != null && problems.count() == problemsBefore) {
        op = graph.build(schema, operands, attributes, stated, source.location(head.opName()));
      }
    } catch (DiagnosticException e) {
      problems.report(e);
    }
    define(head, op, scope);
    if (op != null) {
      var place =
          tail.LOC() == null
              ? source.location(head)
              : Location.named(source.string(tail.STRING().getSymbol()));
      scope.place(op, place, comments);
    }
  }

  private void define(FirParser.OpHeadContext head, @Nullable Op op, Scope scope) {
    var names = head.VALUE();
    int results = op == null ? -1 : op.type() instanceof Type.Tuple(var parts) ? parts.size() : 1;
    if (op != null && results != names.size()) {
      problems.report(
          source.location(head),
          "%s has %s but %s"
              .formatted(
                  op.name(),
                  count(results, "result"),
                  names.size() == 1 ? "1 name is given" : names.size() + " names are given"),
          "name every result");
    }
    boolean fits = op != null && results == names.size();
    for (int i = 0; i < names.size(); i++) {
      Value value = null;
      if (op != null && fits) {
        value = op.type() instanceof Type.Tuple ? graph.result(op, i) : op;
      }
      scope.define(names.get(i).getSymbol(), value);
    }
  }

  /** The operand's value; null if it is absent, or wrong, which has been reported then. */
  @Nullable Value operand(FirParser.OperandContext context, Scope scope) {
    if (context.VALUE() != null) {
      return scope.find(context.VALUE().getSymbol());
    }
    if (context.SYMBOL() != null) {
      var type = symbols.weight(context.SYMBOL().getSymbol());
      return type == null ? null : graph.weight(source.name(context.getStart()), type);
    }
    return null;
  }

  /** All attributes in order; null if one is missing or wrong, which has been reported. */
  private @Nullable List<Object> attributes(
      FirParser.OpHeadContext head, OpSchema schema, Map<String, Body> bodies) {
    var given = new HashMap<String, Object>();
    var named = new HashSet<String>();
    if (head.attributes() != null) {
      for (var attribute : head.attributes().attribute()) {
        var name = attribute.word().getText();
        if (!named.add(name)) {
          problems.report(
              source.location(attribute),
              "attribute " + name + " is given twice",
              "remove one of the two");
          continue;
        }
        var spec = spec(schema, attribute.getStart());
        if (spec != null) {
          try {
            given.put(name, values.read(attribute.attributeValue(), spec));
          } catch (DiagnosticException e) {
            problems.report(e);
          }
        }
      }
    }
    bodies.forEach((name, body) -> {
      named.add(name);
      var spec = spec(schema, body.name);
      if (spec != null && !spec.kind().equals("body")) {
        problems.report(
            source.location(body.name),
            "attribute " + name + " of " + schema.name() + " is no body",
            "write it in braces: {" + name + " = …}");
      } else if (spec != null && body.function != null) {
        given.put(name, body.function);
      }
    });
    var all = new ArrayList<Object>();
    var missing = new ArrayList<String>();
    for (var spec : schema.attributes()) {
      var value = given.getOrDefault(spec.name(), spec.defaultValue());
      if (value != null) {
        all.add(value);
      } else if (!named.contains(spec.name())) {
        missing.add(
            spec.kind().equals("body") ? spec.name() + " (…) { … }" : "{" + spec.name() + " = …}");
      }
    }
    if (!missing.isEmpty()) {
      problems.report(
          source.location(head.opName()),
          schema.name()
              + " needs "
              + (missing.size() == 1 ? "its attribute " : "its attributes ")
              + String.join(", ", missing),
          "give a value after the operands");
    }
    return all.size() == schema.attributes().size() ? all : null;
  }

  private OpSchema.@Nullable Attribute spec(OpSchema schema, Token name) {
    for (var spec : schema.attributes()) {
      if (spec.name().equals(name.getText())) {
        return spec;
      }
    }
    var known = schema.attributes().stream().map(OpSchema.Attribute::name).toList();
    problems.report(
        source.location(name),
        "unknown attribute '" + name.getText() + "' of " + schema.name(),
        Suggestion.didYouMean(
            name.getText(),
            known,
            known.isEmpty()
                ? schema.name() + " has no attributes"
                : schema.name() + " has " + String.join(", ", known)));
    return null;
  }

  static String count(int count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}
