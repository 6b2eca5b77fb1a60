package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions. */
final class Evaluator {
  /** A chat of thousands of messages takes some ten thousand. */
  private static final int MAX_STEPS = 5_000_000;

  private int steps;

  Object evaluate(Expression expression, Scope scope) {
    step();
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> scope.get(name.name());
      case Expression.ListOf list -> {
        var items = new ArrayList<Object>();
        for (Expression item : list.items()) {
          items.add(evaluate(item, scope));
        }
        yield list.tuple() ? new Tuple(items) : items;
      }
      case Expression.DictOf dict -> {
        var map = new LinkedHashMap<Object, Object>();
        for (int i = 0; i < dict.keys().size(); i++) {
          map.put(evaluate(dict.keys().get(i), scope), evaluate(dict.values().get(i), scope));
        }
        yield map;
      }
      case Expression.Attribute attribute ->
          attribute(evaluate(attribute.object(), scope), attribute.name());
      case Expression.Item item ->
          item(evaluate(item.object(), scope), evaluate(item.index(), scope));
      case Expression.Slice slice -> slice(slice, scope);
      case Expression.Call call -> call(call, scope);
      case Expression.Filter filter ->
          filter(
              filter.name(), evaluate(filter.value(), scope), arguments(filter.arguments(), scope));
      case Expression.Test test ->
          test(test.name(), evaluate(test.value(), scope), arguments(test.arguments(), scope))
              != test.negated();
      case Expression.Unary unary -> unary(unary.operator(), evaluate(unary.operand(), scope));
      case Expression.Binary binary -> binary(binary, scope);
      case Expression.Comparison comparison -> comparison(comparison, scope);
      case Expression.Conditional conditional -> conditional(conditional, scope);
    };
  }

  /** Counts, so that a hostile template ends. */
  void step() {
    if (++steps > MAX_STEPS) {
      throw new TemplateError("the template takes more than " + MAX_STEPS + " steps");
    }
  }

  private Object conditional(Expression.Conditional conditional, Scope scope) {
    if (Values.truth(evaluate(conditional.condition(), scope))) {
      return evaluate(conditional.then(), scope);
    }
    Expression otherwise = conditional.otherwise();
    return otherwise == null
        ? new Undefined("the value of an 'if' without 'else'")
        : evaluate(otherwise, scope);
  }

  private static Object attribute(Object object, String name) {
    switch (object) {
      case Undefined undefined -> throw undefined.error();
      case Namespace namespace -> {
        Object value = namespace.fields().get(name);
        return value == null ? new Undefined("'" + name + "' of a namespace") : value;
      }
      case LoopState loop -> {
        return loop.attribute(name);
      }
      default -> {}
    }
    Callable method = Methods.of(object, name);
    if (method != null) {
      return method;
    }
    if (object instanceof Map<?, ?> map) {
      return map.containsKey(name)
          ? Values.item(map, name)
          : new Undefined("'" + name + "' of a dict");
    }
    return new Undefined("'" + name + "' of a " + Values.type(object));
  }

  private static Object item(Object object, Object index) {
    boolean byName = object instanceof Namespace || object instanceof LoopState;
    return byName && index instanceof String name
        ? attribute(object, name)
        : Values.item(object, index);
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    Object object = evaluate(slice.object(), scope);
    Long start = bound(slice.start(), scope);
    Long stop = bound(slice.stop(), scope);
    Long step = bound(slice.step(), scope);
    return Values.slice(object, start, stop, step == null ? 1 : step);
  }

  private @Nullable Long bound(@Nullable Expression expression, Scope scope) {
    if (expression == null) {
      return null;
    }
    Object value = evaluate(expression, scope);
    return value instanceof None ? null : (Long) Values.integer("a slice's bound", value);
  }

  private Object call(Expression.Call call, Scope scope) {
    Object function = evaluate(call.function(), scope);
    Arguments arguments = arguments(call.arguments(), scope);
    return switch (function) {
      case Callable callable -> callable.call(arguments);
      case Undefined undefined -> throw undefined.error();
      default -> throw new TemplateError("a " + Values.type(function) + " cannot be called");
    };
  }

  Arguments arguments(Expression.ArgumentList list, Scope scope) {
    if (list.positional().isEmpty() && list.named().isEmpty()) {
      return Arguments.NONE;
    }
    var positional = new ArrayList<Object>();
    for (Expression argument : list.positional()) {
      positional.add(evaluate(argument, scope));
    }
    var named = new LinkedHashMap<String, Object>();
    list.named().forEach((name, argument) -> named.put(name, evaluate(argument, scope)));
    return new Arguments(positional, named);
  }

  Object filter(String name, Object value, Arguments arguments) {
    step();
    if (Selections.NAMES.contains(name)) {
      return Selections.apply(this, name, value, arguments);
    }
    if (!Filters.NAMES.contains(name)) {
      throw unknown("filter", name, Filters.NAMES);
    }
    return Filters.apply(name, value, arguments);
  }

  boolean test(String name, Object value, Arguments arguments) {
    step();
    if (!Tests.NAMES.contains(name)) {
      throw unknown("test", name, Tests.NAMES);
    }
    return Tests.apply(name, value, arguments);
  }

  private static TemplateError unknown(String what, String name, Collection<String> known) {
    return new TemplateError(
        "the "
            + what
            + " '"
            + name
            + "' is not supported ("
            + Suggestion.didYouMean(name, known, "known are " + known.stream().sorted().toList())
            + ")");
  }

  private static Object unary(String operator, Object value) {
    return switch (operator) {
      case "not" -> !Values.truth(value);
      case "-" -> Values.arithmetic("-", 0L, value);
      default -> Values.arithmetic("+", 0L, value);
    };
  }

  private Object binary(Expression.Binary binary, Scope scope) {
    Object left = evaluate(binary.left(), scope);
    switch (binary.operator()) {
      case "and" -> {
        return Values.truth(left) ? evaluate(binary.right(), scope) : left;
      }
      case "or" -> {
        return Values.truth(left) ? left : evaluate(binary.right(), scope);
      }
      default -> {}
    }
    Object right = evaluate(binary.right(), scope);
    return switch (binary.operator()) {
      case "~" -> Values.limited(PythonText.of(left) + PythonText.of(right));
      case "+" -> Values.add(left, right);
      case "*" -> Values.multiply(left, right);
      case "%" ->
          left instanceof String format
              ? PythonText.format(format, right)
              : Values.arithmetic("%", left, right);
      default -> Values.arithmetic(binary.operator(), left, right);
    };
  }

  private Object comparison(Expression.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.operands().getFirst(), scope);
    for (int i = 0; i < comparison.operators().size(); i++) {
      Object right = evaluate(comparison.operands().get(i + 1), scope);
      boolean holds =
          switch (comparison.operators().get(i)) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "<" -> Values.compare(left, right) < 0;
            case "<=" -> Values.compare(left, right) <= 0;
            case ">" -> Values.compare(left, right) > 0;
            case ">=" -> Values.compare(left, right) >= 0;
            case "in" -> Values.contains(right, left);
            default -> !Values.contains(right, left);
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }
}
