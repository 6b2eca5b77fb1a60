package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.runtime.text.template.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Parses a template's tags into statements. */
final class TemplateParser {
  private static final int MAX_DEPTH = 200;
  private static final Set<String> KNOWN =
      Set.of(
          "break", "call", "continue", "filter", "for", "generation", "if", "macro", "set", "with");

  private final TokenCursor tokens;
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  private TemplateParser(List<Token> tokens) {
    this.tokens = new TokenCursor(tokens);
    this.expressions = new ExpressionParser(this.tokens);
  }

  static List<Statement> parse(String template) {
    var parser = new TemplateParser(Lexer.tokens(template));
    return parser.body(Set.of(), null);
  }

  /** Statements up to a tag that begins with one of {@code ends}, whose name is not taken. */
  private List<Statement> body(Set<String> ends, @Nullable Position opened) {
    var statements = new ArrayList<Statement>();
    while (true) {
      Token token = tokens.take();
      switch (token.kind()) {
        case TEXT -> statements.add(new Statement.Text(token.position(), token.text()));
        case OUTPUT_BEGIN -> {
          Expression value = expressions.tuple();
          if (!tokens.is(Kind.OUTPUT_END)) {
            throw tokens.expected("the end of the expression '}}'");
          }
          tokens.take();
          statements.add(new Statement.Output(token.position(), value));
        }
        case BLOCK_BEGIN -> {
          if (tokens.is(Kind.NAME) && ends.contains(tokens.current().text())) {
            return statements;
          }
          statements.add(nestedBlock(token.position()));
        }
        default -> {
          if (opened != null) {
            throw TemplateError.at(
                opened, "the tag is never closed by one of " + ends.stream().sorted().toList());
          }
          return statements;
        }
      }
    }
  }

  private Statement nestedBlock(Position position) {
    if (++depth > MAX_DEPTH) {
      throw TemplateError.at(position, "tags are nested more than " + MAX_DEPTH + " deep");
    }
    Statement statement = block(position);
    depth--;
    return statement;
  }

  private Statement block(Position position) {
    String tag = tokens.expectName();
    return switch (tag) {
      case "if" -> branches(position);
      case "for" -> loop(position);
      case "set" -> set(position);
      case "macro" -> macro(position);
      case "call" -> call(position);
      case "with" -> with(position);
      case "filter" -> {
        Expression value =
            expressions.moreFilters(expressions.filter(new Expression.Name(Statement.CAPTURED)));
        tokens.expectBlockEnd();
        yield new Statement.FilterBlock(position, value, closed(position, "endfilter"));
      }
      case "generation" -> {
        // Marks the assistant's tokens for training; the text is that of its body.
        tokens.expectBlockEnd();
        yield new Statement.With(position, List.of(), List.of(), closed(position, "endgeneration"));
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw TemplateError.at(position, "'" + tag + "' stands outside of a loop");
        }
        tokens.expectBlockEnd();
        yield new Statement.LoopControl(position, tag.equals("break"));
      }
      default ->
          throw TemplateError.at(
              position,
              "the tag '"
                  + tag
                  + "' is not supported ("
                  + Suggestion.didYouMean(
                      tag, KNOWN, "known are " + KNOWN.stream().sorted().toList())
                  + ")");
    };
  }

  /** A body up to the tag {@code end}, which is taken whole. */
  private List<Statement> closed(Position position, String end) {
    List<Statement> body = body(Set.of(end), position);
    tokens.take();
    // endmacro may repeat the macro's name, as may endblock.
    if (end.equals("endmacro") && tokens.is(Kind.NAME)) {
      tokens.take();
    }
    tokens.expectBlockEnd();
    return body;
  }

  private Statement branches(Position position) {
    var conditions = new ArrayList<Expression>();
    var bodies = new ArrayList<List<Statement>>();
    conditions.add(expressions.tuple());
    tokens.expectBlockEnd();
    while (true) {
      bodies.add(body(Set.of("elif", "else", "endif"), position));
      String tag = tokens.take().text();
      if (tag.equals("elif")) {
        conditions.add(expressions.tuple());
        tokens.expectBlockEnd();
      } else if (tag.equals("else")) {
        tokens.expectBlockEnd();
        conditions.add(new Expression.Literal(true));
        bodies.add(closed(position, "endif"));
        break;
      } else {
        tokens.expectBlockEnd();
        break;
      }
    }
    return new Statement.If(position, List.copyOf(conditions), List.copyOf(bodies));
  }

  private Statement loop(Position position) {
    List<String> targets = targets();
    if (!tokens.takeName("in")) {
      throw tokens.expected("'in'");
    }
    Expression over = expressions.withoutConditional();
    @Nullable Expression condition = tokens.takeName("if") ? expressions.expression() : null;
    if (tokens.isName("recursive")) {
      throw TemplateError.at(position, "recursive loops are not supported");
    }
    tokens.expectBlockEnd();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"), position);
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.take().text().equals("else")) {
      tokens.expectBlockEnd();
      otherwise = closed(position, "endfor");
    } else {
      tokens.expectBlockEnd();
    }
    return new Statement.For(position, targets, over, condition, body, otherwise);
  }

  private List<String> targets() {
    boolean parenthesised = tokens.takeOperator("(");
    var names = new ArrayList<String>();
    do {
      names.add(tokens.expectName());
    } while (tokens.takeOperator(",") && tokens.is(Kind.NAME) && !tokens.isName("in"));
    if (parenthesised) {
      tokens.expectOperator(")");
    }
    return List.copyOf(names);
  }

  private Statement set(Position position) {
    if (tokens.next().isOperator(".")) {
      String namespace = tokens.expectName();
      tokens.expectOperator(".");
      String field = tokens.expectName();
      tokens.expectOperator("=");
      Expression value = expressions.tuple();
      tokens.expectBlockEnd();
      return new Statement.AssignField(position, namespace, field, value);
    }
    List<String> targets = targets();
    if (tokens.takeOperator("=")) {
      Expression value = expressions.tuple();
      tokens.expectBlockEnd();
      return new Statement.Assign(position, targets, value);
    }
    if (targets.size() > 1) {
      throw tokens.expected("'='");
    }
    Expression value = expressions.moreFilters(new Expression.Name(Statement.CAPTURED));
    tokens.expectBlockEnd();
    return new Statement.Capture(position, targets.getFirst(), value, closed(position, "endset"));
  }

  private Statement macro(Position position) {
    String name = tokens.expectName();
    var parameters = new ArrayList<String>();
    var defaults = new ArrayList<@Nullable Expression>();
    parameters(parameters, defaults);
    tokens.expectBlockEnd();
    List<Statement> body = function(position, "endmacro");
    return new Statement.Macro(position, name, parameters, defaults, body);
  }

  private void parameters(List<String> names, List<@Nullable Expression> defaults) {
    tokens.expectOperator("(");
    while (!tokens.takeOperator(")")) {
      names.add(tokens.expectName());
      defaults.add(tokens.takeOperator("=") ? expressions.expression() : null);
      if (!tokens.isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
  }

  private Statement call(Position position) {
    var parameters = new ArrayList<String>();
    if (tokens.isOperator("(")) {
      var defaults = new ArrayList<@Nullable Expression>();
      parameters(parameters, defaults);
      if (defaults.stream().anyMatch(d -> d != null)) {
        throw TemplateError.at(position, "defaults in a call block are not supported");
      }
    }
    Expression call = expressions.expression();
    if (!(call instanceof Expression.Call)) {
      throw TemplateError.at(position, "a call block needs a call");
    }
    tokens.expectBlockEnd();
    return new Statement.CallBlock(position, parameters, call, function(position, "endcall"));
  }

  /** A body that a loop around it does not reach into. */
  private List<Statement> function(Position position, String end) {
    int around = loops;
    loops = 0;
    List<Statement> body = closed(position, end);
    loops = around;
    return body;
  }

  private Statement with(Position position) {
    var names = new ArrayList<String>();
    var values = new ArrayList<Expression>();
    while (tokens.is(Kind.NAME)) {
      names.add(tokens.expectName());
      tokens.expectOperator("=");
      values.add(expressions.expression());
      if (!tokens.takeOperator(",")) {
        break;
      }
    }
    tokens.expectBlockEnd();
    return new Statement.With(position, names, values, closed(position, "endwith"));
  }
}
