package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.fusionc.frontend.safetensors.ModelConfig;

/** Evaluates the expressions of a row, for one layer of one model. */
final class Evaluator {
  /** The layer's index where a feature is the model's and not a layer's. */
  static final int NO_LAYER = -1;

  /** Rows are small; a chain of features this long can only be a cycle. */
  private static final int DEEPEST = 50;

  private final Architecture row;
  private final ModelConfig config;
  private final int layer;
  private int depth;

  Evaluator(Architecture row, ModelConfig config, int layer) {
    this.row = row;
    this.config = config;
    this.layer = layer;
  }

  Datum feature(String name) {
    var feature = row.features().get(name);
    if (feature == null) {
      throw new IllegalArgumentException(row.name() + " has no feature '" + name + "'");
    }
    if (++depth > DEEPEST) {
      throw new IllegalArgumentException(row.name() + ": '" + name + "' is defined by itself");
    }
    var value = evaluate(feature.expression());
    depth--;
    return value;
  }

  /** The field at that path of config.json. */
  Datum field(List<String> path) {
    var dotted = String.join(".", path);
    var node = config.optionalNode(path.getFirst()).orElse(null);
    for (int i = 1; node != null && i < path.size(); i++) {
      node = node.get(path.get(i));
    }
    return node == null ? new Datum.Nothing(dotted) : Datum.of(node, dotted);
  }

  Datum evaluate(Expression expression) {
    return switch (expression) {
      case Expression.Literal(Datum value) -> value;
      case Expression.Name name when name.isConfig() ->
          field(name.segments().subList(1, name.segments().size()));
      case Expression.Name name when name.dotted().equals("layer") -> layer(name);
      case Expression.Name name -> feature(name.dotted());
      case Expression.ListOf(List<Expression> elements) ->
          new Datum.Seq(elements.stream().map(this::evaluate).toList());
      case Expression.Index(Expression list, Expression index) ->
          element(evaluate(list), evaluate(index));
      case Expression.Unary(String operator, Expression operand) ->
          operator.equals("not")
              ? Datum.of(!truth(evaluate(operand)))
              : new Datum.Num(-number(evaluate(operand)));
      case Expression.Binary b -> binary(b);
      case Expression.If(Expression condition, Expression then, Expression otherwise) ->
          evaluate(truth(evaluate(condition)) ? then : otherwise);
      case Expression.Call(String function, List<Expression> arguments)
          when function.equals("stated") ->
          Datum.of(
              arguments.getFirst() instanceof Expression.Name name
                  && config.names().contains(name.segments().getLast()));
      case Expression.Call(String function, List<Expression> arguments) ->
          call(function, arguments.stream().map(this::evaluate).toList());
    };
  }

  private Datum layer(Expression.Name name) {
    if (layer == NO_LAYER) {
      throw new IllegalArgumentException(
          row.name() + " uses '" + name.dotted() + "' in a feature of the whole model");
    }
    return new Datum.Num(layer);
  }

  private Datum binary(Expression.Binary b) {
    var left = evaluate(b.left());
    return switch (b.operator()) {
      case "??" -> left instanceof Datum.Nothing ? evaluate(b.right()) : left;
      case "and" -> Datum.of(truth(left) && truth(evaluate(b.right())));
      case "or" -> Datum.of(truth(left) || truth(evaluate(b.right())));
      default -> operate(b.operator(), left, evaluate(b.right()));
    };
  }

  private Datum operate(String operator, Datum left, Datum right) {
    return switch (operator) {
      case "==" -> Datum.of(same(left, right));
      case "!=" -> Datum.of(!same(left, right));
      case "in" ->
          Datum.of(
              right instanceof Datum.Seq(List<Datum> elements)
                  && elements.stream().anyMatch(element -> same(element, left)));
      case "<" -> Datum.of(number(left) < number(right));
      case "<=" -> Datum.of(number(left) <= number(right));
      case ">" -> Datum.of(number(left) > number(right));
      case ">=" -> Datum.of(number(left) >= number(right));
      case "+" -> new Datum.Num(number(left) + number(right));
      case "-" -> new Datum.Num(number(left) - number(right));
      case "*" -> new Datum.Num(number(left) * number(right));
      case "/" -> new Datum.Num(number(left) / number(right));
      case "%" -> new Datum.Num(number(left) % number(right));
      default -> throw new IllegalArgumentException("no operator " + operator);
    };
  }

  private static boolean same(Datum left, Datum right) {
    return left instanceof Datum.Nothing ? right instanceof Datum.Nothing : left.equals(right);
  }

  private Datum call(String function, List<Datum> arguments) {
    double x = number(arguments.getFirst());
    return new Datum.Num(
        switch (function) {
          case "sqrt" -> Math.sqrt(x);
          case "floor" -> Math.floor(x);
          case "log" -> Math.log(x);
          default -> throw new IllegalArgumentException("no function " + function);
        });
  }

  private Datum element(Datum list, Datum index) {
    if (list instanceof Datum.Nothing) {
      return list;
    }
    if (!(list instanceof Datum.Seq(List<Datum> elements))) {
      throw notA("a list", list);
    }
    int i = (int) number(index);
    if (i < 0 || i >= elements.size()) {
      throw new Unfit("has " + elements.size() + " elements, and element " + i + " is needed");
    }
    return elements.get(i);
  }

  private double number(Datum datum) {
    return switch (datum) {
      case Datum.Num(double value) -> value;
      case Datum.Bool(boolean value) -> value ? 1 : 0;
      case Datum.Nothing(String path) when !path.isEmpty() -> throw config.missing(path);
      default -> throw notA("a number", datum);
    };
  }

  private boolean truth(Datum datum) {
    return switch (datum) {
      case Datum.Bool(boolean value) -> value;
      case Datum.Num(double value) -> value != 0;
      case Datum.Nothing n -> false;
      default -> throw notA("true or false", datum);
    };
  }

  /** A value that an operator cannot take; the feature's reader says which fields it came from. */
  static final class Unfit extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unfit(String problem) {
      super(problem, null, false, false);
    }

    String problem() {
      return Objects.requireNonNull(getMessage());
    }
  }

  private static Unfit notA(String expected, Datum datum) {
    return new Unfit("has the value " + datum + " where " + expected + " is needed");
  }

  /** All names in an expression. */
  static List<Expression.Name> names(Expression expression) {
    var names = new ArrayList<Expression.Name>();
    collect(expression, names);
    return names;
  }

  private static void collect(Expression expression, List<Expression.Name> names) {
    switch (expression) {
      case Expression.Literal l -> {}
      case Expression.Name name -> names.add(name);
      case Expression.ListOf(List<Expression> elements) ->
          elements.forEach(element -> collect(element, names));
      case Expression.Index(Expression list, Expression index) -> {
        collect(list, names);
        collect(index, names);
      }
      case Expression.Unary(String operator, Expression operand) -> collect(operand, names);
      case Expression.Binary(String operator, Expression left, Expression right) -> {
        collect(left, names);
        collect(right, names);
      }
      case Expression.If(Expression condition, Expression then, Expression otherwise) -> {
        collect(condition, names);
        collect(then, names);
        collect(otherwise, names);
      }
      case Expression.Call(String function, List<Expression> arguments) ->
          arguments.forEach(argument -> collect(argument, names));
    }
  }
}
