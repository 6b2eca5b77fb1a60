package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.antlr.v4.runtime.Token;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.jspecify.annotations.Nullable;

/**
 * Reads blocks of ops. An error in one op is reported, and its results then stand for values that
 * are wrong: what uses them is not reported again.
 */
final class BlockReader {
  private final Source source;
  private final Problems problems;
  private final Graph graph;
  private final TypeReader types;
  private final OpBuilder ops;

  BlockReader(
      Source source,
      Problems problems,
      Graph graph,
      OpRegistry registry,
      TypeReader types,
      Symbols symbols) {
    this.source = source;
    this.problems = problems;
    this.graph = graph;
    this.types = types;
    this.ops = new OpBuilder(source, problems, graph, registry, types, symbols);
  }

  /**
   * Reads {@code { … }}.
   *
   * @param owner what the block belongs to, for messages
   * @param params its parameters; null for none
   * @param declared the result types that it must have; null if any
   * @return null if something in it is wrong, which has been reported
   */
  @Nullable Function read(
      String name,
      String owner,
      FirParser.@Nullable ParametersContext params,
      @Nullable List<Type> declared) {
    int problemsBefore = problems.count();
    var scope = new Scope(source, problems);
    if (params != null) {
      for (var param : params.parameter()) {
        parameter(param, scope);
      }
    }
    var open = source.take(FirParser.LBRACE);
    while (source.at(FirParser.VALUE)) {
      op(scope);
    }
    var results = returning(scope, owner, open, declared);
    return problems.count() > problemsBefore ? null : scope.function(name, results);
  }

  private void parameter(FirParser.ParameterContext context, Scope scope) {
    var name = context.VALUE().getSymbol();
    try {
      scope.param(name, graph.param(scope.paramCount(), types.type(context.type())));
    } catch (DiagnosticException e) {
      problems.report(e);
      scope.define(name, null);
    }
  }

  private void op(Scope scope) {
    var start = source.next();
    var comments = new ArrayList<>(source.commentsAbove(start));
    FirParser.OpHeadContext head;
    FirParser.OpTailContext tail;
    var bodies = new HashMap<String, OpBuilder.Body>();
    try {
      head = source.parser.opHead();
      var from = start;
      while (source.at(FirParser.ID, FirParser.LPAREN)) {
        var body = source.parser.bodyHead();
        comments.addAll(source.commentsWithin(from, source.next()));
        body(body, bodies);
        from = source.take(FirParser.RBRACE);
      }
      tail = source.parser.opTail();
      var last = source.before(source.next());
      comments.addAll(source.commentsWithin(from, last == null ? from : last));
      if (!source.isFirstOnLine(source.next())
          && !source.at(FirParser.RETURN)
          && !source.at(FirParser.RBRACE)) {
        throw source.unexpectedNext("a new line");
      }
    } catch (DiagnosticException e) {
      problems.report(e);
      source.namesFrom(start).forEach(name -> scope.define(name, null));
      source.recover(start);
      return;
    }
    ops.build(head, bodies, tail, scope, comments);
  }

  private void body(FirParser.BodyHeadContext head, Map<String, OpBuilder.Body> bodies) {
    var name = head.ID().getText();
    var function = read("", "the body '" + name + "'", head.parameters(), null);
    if (bodies.put(name, new OpBuilder.Body(head.getStart(), function)) != null) {
      problems.report(
          source.location(head), "attribute " + name + " is given twice", "remove one of the two");
    }
  }

  private List<Value> returning(
      Scope scope, String owner, Token open, @Nullable List<Type> declared) {
    var values = new ArrayList<Value>();
    var closing = "the '}' for line " + open.getLine();
    if (source.at(FirParser.RBRACE)) {
      problems.report(
          source.location(source.next()),
          owner + " has no return",
          "end it with 'return' and its results");
      return values;
    }
    if (!source.at(FirParser.RETURN)) {
      throw source.misplaced("an op such as '%y = add %a, %b'", "'return'", closing);
    }
    var start = source.next();
    var comments = new ArrayList<>(source.commentsAbove(start));
    var context = source.parser.returning();
    if (!source.at(FirParser.RBRACE)) {
      throw source.isFirstOnLine(source.next())
          ? source.misplaced(closing)
          : source.unexpectedNext(closing);
    }
    comments.addAll(source.commentsWithin(start, source.next()));
    scope.notes.trailing(comments);
    boolean known = true;
    for (var operand : context.operand()) {
      var value = ops.operand(operand, scope);
      if (operand.ABSENT() != null) {
        problems.report(source.location(operand), "a result cannot be absent", "name a value");
      }
      known &= value != null;
      if (value != null) {
        values.add(value);
      }
    }
    if (known && declared != null) {
      check(context, values, owner, declared);
    }
    return values;
  }

  private void check(
      FirParser.ReturningContext context, List<Value> values, String owner, List<Type> declared) {
    if (values.size() != declared.size()) {
      problems.report(
          source.location(context),
          owner
              + " declares "
              + OpBuilder.count(declared.size(), "result")
              + " but returns "
              + values.size(),
          "");
      return;
    }
    for (int i = 0; i < values.size(); i++) {
      if (!values.get(i).type().equals(declared.get(i))) {
        problems.report(
            source.location(context.operand(i)),
            "result "
                + context.operand(i).getText()
                + " of "
                + owner
                + " is "
                + values.get(i).type()
                + " but "
                + declared.get(i)
                + " is declared",
            "");
      }
    }
  }
}
