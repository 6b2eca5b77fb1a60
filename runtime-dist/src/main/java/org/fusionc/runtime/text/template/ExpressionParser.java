package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.fusionc.runtime.text.template.Expression.ArgumentList;
import org.fusionc.runtime.text.template.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Parses expressions by descent, in Jinja's order of precedence. */
final class ExpressionParser {
  /** Deeper than any person nests, and far from the end of the stack. */
  private static final int MAX_DEPTH = 200;

  /** A chain of operators is as deep as it is long. */
  private static final int MAX_LINKS = 1000;

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> AFTER_TEST =
      Set.of("else", "or", "and", "if", "not", "in", "is", "recursive");

  private final TokenCursor tokens;
  private int depth;
  private int links;

  ExpressionParser(TokenCursor tokens) {
    this.tokens = tokens;
  }

  /** An expression; with commas in it, a tuple. */
  Expression tuple() {
    Expression first = expression();
    if (!tokens.isOperator(",")) {
      return first;
    }
    var items = new ArrayList<Expression>();
    items.add(first);
    while (tokens.takeOperator(",") && startsExpression()) {
      items.add(expression());
    }
    return new Expression.ListOf(List.copyOf(items), true);
  }

  Expression expression() {
    return nested(this::conditional);
  }

  /** An expression that may not be {@code a if b}, since an {@code if} after it is the loop's. */
  Expression withoutConditional() {
    Expression first = nested(this::or);
    if (!tokens.isOperator(",")) {
      return first;
    }
    var items = new ArrayList<Expression>();
    items.add(first);
    while (tokens.takeOperator(",") && startsExpression()) {
      items.add(nested(this::or));
    }
    return new Expression.ListOf(List.copyOf(items), true);
  }

  private Expression nested(Supplier<Expression> parse) {
    if (++depth > MAX_DEPTH) {
      throw TemplateError.at(
          tokens.current().position(), "expressions are nested more than " + MAX_DEPTH + " deep");
    }
    if (depth == 1) {
      links = 0;
    }
    Expression result = parse.get();
    depth--;
    return result;
  }

  /** Gives the expression back, one link longer. */
  private Expression link(Expression longer) {
    if (++links > MAX_LINKS) {
      throw TemplateError.at(
          tokens.current().position(), "the expression has more than " + MAX_LINKS + " operators");
    }
    return longer;
  }

  private boolean startsExpression() {
    return switch (tokens.current().kind()) {
      case NAME, STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> "([{-+".contains(tokens.current().text());
      default -> false;
    };
  }

  private Expression conditional() {
    Expression value = or();
    while (tokens.takeName("if")) {
      Expression condition = or();
      @Nullable Expression otherwise = tokens.takeName("else") ? expression() : null;
      value = link(new Expression.Conditional(condition, value, otherwise));
    }
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (tokens.takeName("or")) {
      left = link(new Expression.Binary("or", left, and()));
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.takeName("and")) {
      left = link(new Expression.Binary("and", left, not()));
    }
    return left;
  }

  private Expression not() {
    if (tokens.takeName("not")) {
      return new Expression.Unary("not", nested(this::not));
    }
    return comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    var operators = new ArrayList<String>();
    var operands = new ArrayList<Expression>();
    operands.add(first);
    while (true) {
      if (tokens.is(Kind.OPERATOR) && COMPARISONS.contains(tokens.current().text())) {
        operators.add(tokens.take().text());
      } else if (tokens.takeName("in")) {
        operators.add("in");
      } else if (tokens.isName("not") && tokens.next().isName("in")) {
        tokens.take();
        tokens.take();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(sum());
    }
    return operators.isEmpty()
        ? first
        : new Expression.Comparison(List.copyOf(operators), List.copyOf(operands));
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.isOperator("+") || tokens.isOperator("-")) {
      left = link(new Expression.Binary(tokens.take().text(), left, concatenation()));
    }
    return left;
  }

  private Expression concatenation() {
    Expression left = product();
    while (tokens.takeOperator("~")) {
      left = link(new Expression.Binary("~", left, product()));
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (tokens.isOperator("*")
        || tokens.isOperator("/")
        || tokens.isOperator("//")
        || tokens.isOperator("%")) {
      left = link(new Expression.Binary(tokens.take().text(), left, power()));
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (tokens.takeOperator("**")) {
      left = link(new Expression.Binary("**", left, unary(true)));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    Expression value;
    if (tokens.isOperator("-") || tokens.isOperator("+")) {
      String operator = tokens.take().text();
      value = new Expression.Unary(operator, nested(() -> unary(false)));
    } else {
      value = postfix(primary());
    }
    return withFilters ? filters(value) : value;
  }

  private Expression primary() {
    Token token = tokens.current();
    switch (token.kind()) {
      case NAME -> {
        tokens.take();
        return switch (token.text()) {
          case "true", "True" -> new Expression.Literal(true);
          case "false", "False" -> new Expression.Literal(false);
          case "none", "None" -> new Expression.Literal(None.NONE);
          default -> new Expression.Name(token.text());
        };
      }
      case STRING -> {
        var text = new StringBuilder();
        while (tokens.is(Kind.STRING)) {
          text.append(tokens.take().text());
        }
        return new Expression.Literal(text.toString());
      }
      case INTEGER -> {
        tokens.take();
        try {
          return new Expression.Literal(Long.parseLong(token.text()));
        } catch (NumberFormatException e) {
          throw TemplateError.at(token.position(), "the number " + token.text() + " is too large");
        }
      }
      case FLOAT -> {
        tokens.take();
        return new Expression.Literal(Double.parseDouble(token.text()));
      }
      default -> {}
    }
    if (tokens.takeOperator("(")) {
      if (tokens.takeOperator(")")) {
        return new Expression.ListOf(List.of(), true);
      }
      Expression inner = tuple();
      tokens.expectOperator(")");
      return inner;
    }
    if (tokens.takeOperator("[")) {
      var items = new ArrayList<Expression>();
      while (!tokens.takeOperator("]")) {
        items.add(expression());
        if (!tokens.isOperator("]")) {
          tokens.expectOperator(",");
        }
      }
      return new Expression.ListOf(List.copyOf(items), false);
    }
    if (tokens.takeOperator("{")) {
      return dict();
    }
    throw tokens.expected("an expression");
  }

  private Expression dict() {
    var keys = new ArrayList<Expression>();
    var values = new ArrayList<Expression>();
    while (!tokens.takeOperator("}")) {
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
      if (!tokens.isOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Expression.DictOf(List.copyOf(keys), List.copyOf(values));
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.takeOperator(".")) {
        if (tokens.is(Kind.INTEGER)) {
          value = link(new Expression.Item(value, primary()));
        } else {
          value = link(new Expression.Attribute(value, tokens.expectName()));
        }
      } else if (tokens.takeOperator("[")) {
        value = link(subscript(value));
      } else if (tokens.isOperator("(")) {
        value = link(new Expression.Call(value, arguments()));
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression value) {
    @Nullable Expression start = tokens.isOperator(":") ? null : tuple();
    if (start != null && tokens.takeOperator("]")) {
      return new Expression.Item(value, start);
    }
    tokens.expectOperator(":");
    @Nullable Expression stop =
        tokens.isOperator(":") || tokens.isOperator("]") ? null : expression();
    @Nullable Expression step = null;
    if (tokens.takeOperator(":") && !tokens.isOperator("]")) {
      step = expression();
    }
    tokens.expectOperator("]");
    return new Expression.Slice(value, start, stop, step);
  }

  /** Filters and tests, which bind more tightly than any operator but {@code .}, {@code []}, (). */
  private Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.takeOperator("|")) {
        value = link(filter(value));
      } else if (tokens.takeName("is")) {
        value = link(test(value));
      } else if (tokens.isOperator("(")) {
        value = link(new Expression.Call(value, arguments()));
      } else {
        return value;
      }
    }
  }

  /** A filter's name and arguments, the {@code |} being taken. */
  Expression filter(Expression value) {
    String name = dottedName();
    return new Expression.Filter(
        value, name, tokens.isOperator("(") ? arguments() : ArgumentList.EMPTY);
  }

  /** More filters on {@code value}, up to the end of the tag. */
  Expression moreFilters(Expression start) {
    Expression value = start;
    while (tokens.takeOperator("|")) {
      value = link(filter(value));
    }
    return value;
  }

  private Expression test(Expression value) {
    boolean negated = tokens.takeName("not");
    String name = dottedName();
    ArgumentList arguments = ArgumentList.EMPTY;
    if (tokens.isOperator("(")) {
      arguments = arguments();
    } else if (switch (tokens.current().kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !AFTER_TEST.contains(tokens.current().text());
      case OPERATOR -> tokens.isOperator("[") || tokens.isOperator("{");
      default -> false;
    }) {
      arguments = new ArgumentList(List.of(postfix(primary())), ArgumentList.EMPTY.named());
    }
    return new Expression.Test(value, name, arguments, negated);
  }

  private String dottedName() {
    var name = new StringBuilder(tokens.expectName());
    while (tokens.takeOperator(".")) {
      name.append('.').append(tokens.expectName());
    }
    return name.toString();
  }

  private ArgumentList arguments() {
    tokens.expectOperator("(");
    var positional = new ArrayList<Expression>();
    var named = new LinkedHashMap<String, Expression>();
    while (!tokens.takeOperator(")")) {
      if (tokens.isOperator("*") || tokens.isOperator("**")) {
        throw TemplateError.at(
            tokens.current().position(), "'*' and '**' in arguments are not supported");
      }
      if (tokens.is(Kind.NAME) && tokens.next().isOperator("=")) {
        String name = tokens.take().text();
        tokens.take();
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      if (!tokens.isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new ArgumentList(List.copyOf(positional), named);
  }
}
