package org.fusionc.frontend.safetensors.architecture;

import java.util.List;

/**
 * An expression of the table, such as {@code config.head_dim ?? hidden / heads}.
 *
 * <p>Names: {@code config.x} is a field of config.json, {@code layer} the layer's index, anything
 * else a feature. {@code a ?? b} is {@code b} where {@code a} is null; a missing field is null, and
 * a null that reaches arithmetic is reported as the missing field.
 */
sealed interface Expression {

  record Literal(Datum value) implements Expression {}

  /** A dotted name: {@code config.hidden_size}, {@code layer}, {@code attn.bias}. */
  record Name(List<String> segments) implements Expression {
    String dotted() {
      return String.join(".", segments);
    }

    boolean isConfig() {
      return segments.getFirst().equals("config");
    }
  }

  record ListOf(List<Expression> elements) implements Expression {}

  record Index(Expression list, Expression index) implements Expression {}

  record Unary(String operator, Expression operand) implements Expression {}

  record Binary(String operator, Expression left, Expression right) implements Expression {}

  record If(Expression condition, Expression then, Expression otherwise) implements Expression {}

  record Call(String function, List<Expression> arguments) implements Expression {}
}
