package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads the expressions of the table by operator precedence.
 *
 * <pre>
 * expression = "if" expression "then" expression "else" expression | operation
 * operation  = operands joined, loosest first, by: or; and; == != &lt; &lt;= &gt; &gt;= in; ??; + -; * / %
 * operand    = ("-" | "not") operand | primary { "[" expression "]" }
 * primary    = number | string | true | false | null | name | name "(" list ")" | "(" expression ")" | "[" list "]"
 * </pre>
 */
final class ExpressionParser {
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s*(?:(?<number>\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)"
              + "|(?<string>\"[^\"]*\")"
              + "|(?<name>[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*)"
              + "|(?<symbol>\\?\\?|==|!=|<=|>=|[-+*/%<>()\\[\\],]))");
  private static final Map<String, Integer> PRECEDENCE =
      Map.ofEntries(
          Map.entry("or", 1),
          Map.entry("and", 2),
          Map.entry("==", 3),
          Map.entry("!=", 3),
          Map.entry("<", 3),
          Map.entry("<=", 3),
          Map.entry(">", 3),
          Map.entry(">=", 3),
          Map.entry("in", 3),
          Map.entry("??", 4),
          Map.entry("+", 5),
          Map.entry("-", 5),
          Map.entry("*", 6),
          Map.entry("/", 6),
          Map.entry("%", 6));
  private static final Set<String> WORDS =
      Set.of("if", "then", "else", "or", "and", "in", "not", "true", "false", "null");

  private final String text;
  private final List<String> tokens = new ArrayList<>();
  private int next;

  private ExpressionParser(String text) {
    this.text = text;
    var matcher = TOKEN.matcher(text);
    int end = 0;
    while (end < text.length() && matcher.find() && matcher.start() == end) {
      tokens.add(matcher.group().strip());
      end = matcher.end();
    }
    if (!text.substring(end).isBlank()) {
      throw new IllegalArgumentException("cannot read '" + text.substring(end) + "' in: " + text);
    }
  }

  /**
   * Reads one expression.
   *
   * @throws IllegalArgumentException if the text is not one
   */
  static Expression parse(String text) {
    var parser = new ExpressionParser(text);
    var expression = parser.expression();
    if (parser.next < parser.tokens.size()) {
      throw parser.unexpected("the end");
    }
    return expression;
  }

  private Expression expression() {
    if (!accept("if")) {
      return operation(1);
    }
    var condition = expression();
    expect("then");
    var then = expression();
    expect("else");
    return new Expression.If(condition, then, expression());
  }

  private Expression operation(int loosest) {
    var left = operand();
    while (next < tokens.size() && PRECEDENCE.getOrDefault(peek(), 0) >= loosest) {
      var operator = take();
      left =
          new Expression.Binary(
              operator, left, operation(PRECEDENCE.getOrDefault(operator, 0) + 1));
    }
    return left;
  }

  private Expression operand() {
    if (peek().equals("-") || peek().equals("not")) {
      var operator = take();
      return new Expression.Unary(operator, operand());
    }
    var value = primary();
    while (accept("[")) {
      value = new Expression.Index(value, expression());
      expect("]");
    }
    return value;
  }

  private Expression primary() {
    var token = take();
    if (token.equals("(")) {
      var inner = expression();
      expect(")");
      return inner;
    }
    if (token.equals("[")) {
      return new Expression.ListOf(list("]"));
    }
    if (token.startsWith("\"")) {
      return new Expression.Literal(new Datum.Str(token.substring(1, token.length() - 1)));
    }
    if (Character.isDigit(token.charAt(0))) {
      return new Expression.Literal(new Datum.Num(Double.parseDouble(token)));
    }
    return switch (token) {
      case "true" -> new Expression.Literal(Datum.TRUE);
      case "false" -> new Expression.Literal(Datum.FALSE);
      case "null" -> new Expression.Literal(Datum.NULL);
      default -> {
        if (WORDS.contains(token) || !Character.isJavaIdentifierStart(token.charAt(0))) {
          next--;
          throw unexpected("a value");
        }
        yield accept("(")
            ? new Expression.Call(token, list(")"))
            : new Expression.Name(List.of(token.split("\\.")));
      }
    };
  }

  private List<Expression> list(String end) {
    var elements = new ArrayList<Expression>();
    while (!accept(end)) {
      if (!elements.isEmpty()) {
        expect(",");
      }
      elements.add(expression());
    }
    return List.copyOf(elements);
  }

  private String peek() {
    return next < tokens.size() ? tokens.get(next) : "";
  }

  private String take() {
    if (next >= tokens.size()) {
      throw unexpected("a value");
    }
    return tokens.get(next++);
  }

  private boolean accept(String token) {
    boolean found = peek().equals(token);
    next += found ? 1 : 0;
    return found;
  }

  private void expect(String token) {
    if (!accept(token)) {
      throw unexpected("'" + token + "'");
    }
  }

  private IllegalArgumentException unexpected(String expected) {
    var found = next < tokens.size() ? "'" + tokens.get(next) + "'" : "the end";
    return new IllegalArgumentException(
        "expected " + expected + ", found " + found + " in: " + text);
  }
}
