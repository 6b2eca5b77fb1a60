package org.fusionc.runtime.text.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands in a tag and has a value. */
sealed interface Expression {
  record Literal(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record ListOf(List<Expression> items, boolean tuple) implements Expression {}

  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

  /** {@code object.name} */
  record Attribute(Expression object, String name) implements Expression {}

  /** {@code object[index]} */
  record Item(Expression object, Expression index) implements Expression {}

  /** {@code object[start:stop:step]} */
  record Slice(
      Expression object,
      @Nullable Expression start,
      @Nullable Expression stop,
      @Nullable Expression step)
      implements Expression {}

  record Call(Expression function, ArgumentList arguments) implements Expression {}

  record Filter(Expression value, String name, ArgumentList arguments) implements Expression {}

  record Test(Expression value, String name, ArgumentList arguments, boolean negated)
      implements Expression {}

  /** {@code -}, {@code +} or {@code not}. */
  record Unary(String operator, Expression operand) implements Expression {}

  /** Arithmetic, {@code ~}, {@code and}, {@code or}. */
  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /** {@code a < b <= c}: each operator between its neighbours. */
  record Comparison(List<String> operators, List<Expression> operands) implements Expression {}

  record Conditional(Expression condition, Expression then, @Nullable Expression otherwise)
      implements Expression {}

  /** Arguments before they are evaluated. */
  record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    static final ArgumentList EMPTY = new ArgumentList(List.of(), Map.of());
  }
}
