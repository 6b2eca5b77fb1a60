package org.fusionc.runtime.text.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A part of a template that puts text out or changes what names mean. */
sealed interface Statement {
  Position position();

  record Text(Position position, String text) implements Statement {}

  record Output(Position position, Expression value) implements Statement {}

  /** The branches' conditions are tried in order; {@code else} is a last one that is true. */
  record If(Position position, List<Expression> conditions, List<List<Statement>> branches)
      implements Statement {}

  record For(
      Position position,
      List<String> targets,
      Expression over,
      @Nullable Expression condition,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  /** {@code set a, b = value}. */
  record Assign(Position position, List<String> targets, Expression value) implements Statement {}

  /** {@code set namespace.field = value}. */
  record AssignField(Position position, String namespace, String field, Expression value)
      implements Statement {}

  /** {@code set a | filter}…{@code endset}; the filters' value is {@link #CAPTURED}. */
  record Capture(Position position, String target, Expression value, List<Statement> body)
      implements Statement {}

  /** {@code filter name}…{@code endfilter}. */
  record FilterBlock(Position position, Expression value, List<Statement> body)
      implements Statement {}

  record Macro(
      Position position,
      String name,
      List<String> parameters,
      List<@Nullable Expression> defaults,
      List<Statement> body)
      implements Statement {}

  /** {@code call macro(…)}: the body is what {@code caller()} gives inside the macro. */
  record CallBlock(
      Position position, List<String> parameters, Expression call, List<Statement> body)
      implements Statement {}

  /** {@code with a = 1}, or any other body with names of its own. */
  record With(Position position, List<String> names, List<Expression> values, List<Statement> body)
      implements Statement {}

  record LoopControl(Position position, boolean isBreak) implements Statement {}

  /** The name under which a captured body's text is given to its filters. */
  String CAPTURED = "\0captured";
}
