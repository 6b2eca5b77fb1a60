package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.tree.TerminalNode;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Device;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.Link;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanValue;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.jspecify.annotations.Nullable;

/** Reads a plan; what its lines mean is checked by who uses it. */
final class PlanReader {
  private static final List<String> KINDS = List.of("expect", "device", "link", "stage", "edge");

  private final Source source;
  private final Problems problems;
  private final TypeReader types;
  private final Map<String, List<String>> comments;
  private final List<Device> devices = new ArrayList<>();
  private final List<Link> links = new ArrayList<>();
  private final List<Stage> stages = new ArrayList<>();
  private final List<Edge> edges = new ArrayList<>();
  private @Nullable Attributes expect;

  /**
   * @param comments where to put those of the plan's lines
   */
  PlanReader(
      Source source, Problems problems, TypeReader types, Map<String, List<String>> comments) {
    this.source = source;
    this.problems = problems;
    this.types = types;
    this.comments = comments;
  }

  /** Reads up to the closing brace. */
  Plan read(FirParser.PlanHeadContext head) {
    var name = source.name(head.SYMBOL().getSymbol());
    var bound = OptionalDouble.empty();
    if (head.BOUND() != null) {
      bound = OptionalDouble.of(new AttributeReader(source, types).real(head.number()));
    }
    var open = source.take(FirParser.LBRACE);
    while (!source.at(FirParser.RBRACE)) {
      if (source.at(FirParser.EOF) || source.isItemStart()) {
        throw source.misplaced("a line of the plan", "the '}' for line " + open.getLine());
      }
      line(name);
    }
    var above = source.commentsAbove(source.next());
    if (!above.isEmpty()) {
      comments.put(Comments.planEnd(name), above);
    }
    return new Plan(
        name,
        head.word() == null ? "" : head.word().getText(),
        bound,
        expect == null ? Attributes.NONE : expect,
        devices,
        links,
        stages,
        edges,
        origin(head));
  }

  private void line(String plan) {
    var start = source.next();
    try {
      if (!KINDS.contains(start.getText())) {
        throw Diagnostic.invalid(
                source.location(start),
                "a plan has no line that begins with " + Source.found(start),
                Suggestion.didYouMean(
                    start.getText(), KINDS, "its lines begin with " + Source.either(KINDS)))
            .exception();
      }
      var line = source.parser.planLine();
      if (!source.at(FirParser.RBRACE) && !source.isFirstOnLine(source.next())) {
        throw source.unexpectedNext("a new line");
      }
      var all = new ArrayList<>(source.commentsAbove(start));
      all.addAll(source.commentsWithin(line.getStart(), line.getStop()));
      int index = add(line);
      if (!all.isEmpty()) {
        comments.put(Comments.planLine(plan, start.getText(), index), all);
      }
    } catch (DiagnosticException e) {
      problems.report(e);
      source.seek(start);
      do {
        source.skip();
      } while (!source.at(FirParser.EOF)
          && !source.isItemStart()
          && !(source.isFirstOnLine(source.next())
              && (source.at(FirParser.RBRACE) || KINDS.contains(source.next().getText()))));
    }
  }

  /** Adds what the line says; the answer is its index among those of its kind. */
  private int add(FirParser.PlanLineContext line) {
    if (line.expect() != null) {
      if (expect != null) {
        throw Diagnostic.invalid(
                source.location(line), "a plan has one 'expect' line", "remove one of the two")
            .exception();
      }
      expect = attributes(line.expect().planAttributes());
      return 0;
    }
    if (line.device() != null) {
      var device = line.device();
      devices.add(
          new Device(
              source.name(device.SYMBOL().getSymbol()),
              device.deviceKind() == null ? "" : device.deviceKind().getText(),
              attributes(device.planAttributes()),
              origin(device)));
      return devices.size() - 1;
    }
    if (line.link() != null) {
      var link = line.link();
      var attributes = attributes(link.planAttributes());
      links.add(
          link.DEFAULT() != null
              ? Link.byDefault(attributes, origin(link))
              : new Link(
                  source.name(link.SYMBOL(0).getSymbol()),
                  source.name(link.SYMBOL(1).getSymbol()),
                  link.BOTH_WAYS() != null,
                  attributes,
                  origin(link)));
      return links.size() - 1;
    }
    if (line.stage() != null) {
      var stage = line.stage();
      stages.add(
          new Stage(
              index(stage.INT()),
              source.name(stage.SYMBOL(0).getSymbol()),
              source.name(stage.SYMBOL(1).getSymbol()),
              Optional.ofNullable(stage.VALUE()).map(v -> source.name(v.getSymbol())),
              attributes(stage.planAttributes()),
              origin(stage)));
      return stages.size() - 1;
    }
    var edge = line.edge();
    edges.add(
        new Edge(
            index(edge.INT(0)),
            index(edge.INT(1)),
            edge.VALUE().stream().map(v -> source.name(v.getSymbol())).toList(),
            attributes(edge.planAttributes()),
            origin(edge)));
    return edges.size() - 1;
  }

  private int index(TerminalNode digits) {
    long index = types.integer(digits.getSymbol(), "");
    if (index > Integer.MAX_VALUE) {
      throw Diagnostic.invalid(
              source.location(digits.getSymbol()), "no plan has a stage " + index, "count from 0")
          .exception();
    }
    return (int) index;
  }

  private Origin origin(ParserRuleContext context) {
    return Origin.at(source.location(context));
  }

  private Attributes attributes(FirParser.@Nullable PlanAttributesContext context) {
    var values = new LinkedHashMap<String, PlanValue>();
    var places = new HashMap<String, ParserRuleContext>();
    if (context != null) {
      for (var attribute : context.planAttribute()) {
        var name = attribute.word().getText();
        if (places.put(name, attribute) != null) {
          throw Diagnostic.invalid(
                  source.location(attribute),
                  "'" + name + "' is given twice",
                  "remove one of the two")
              .exception();
        }
        values.put(name, value(attribute.planValue()));
      }
    }
    return new Attributes(values);
  }

  private PlanValue value(FirParser.PlanValueContext context) {
    if (context.quantity() != null) {
      return Quantity.parse(context.getText(), source.location(context));
    }
    return context.STRING() != null
        ? new PlanValue.Text(source.string(context.STRING().getSymbol()))
        : new PlanValue.Word(context.getText());
  }
}
