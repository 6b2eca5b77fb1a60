package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs a template's statements; one per rendering. */
final class Interpreter {
  private static final int MAX_CALLS = 100;

  /** How a body ended. */
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private final Evaluator evaluator = new Evaluator();
  private Position position = new Position(1, 1);
  private int loopDepth;
  private int calls;

  /** Where the statement stands that ran last: where an error came from. */
  Position position() {
    return position;
  }

  void run(List<Statement> body, Scope scope, StringBuilder out) {
    var _ = body(body, scope, out);
  }

  private Flow body(List<Statement> body, Scope scope, StringBuilder out) {
    for (Statement statement : body) {
      evaluator.step();
      position = statement.position();
      Flow flow = statement(statement, scope, out);
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow statement(Statement statement, Scope scope, StringBuilder out) {
    switch (statement) {
      case Statement.Text text -> append(out, text.text());
      case Statement.Output output ->
          append(out, PythonText.of(evaluator.evaluate(output.value(), scope)));
      case Statement.If branches -> {
        for (int i = 0; i < branches.conditions().size(); i++) {
          if (Values.truth(evaluator.evaluate(branches.conditions().get(i), scope))) {
            return body(branches.branches().get(i), scope, out);
          }
        }
      }
      case Statement.For loop -> loop(loop, scope, out);
      case Statement.Assign assign ->
          assign(assign.targets(), evaluator.evaluate(assign.value(), scope), scope);
      case Statement.AssignField assign -> {
        if (!(scope.get(assign.namespace()) instanceof Namespace namespace)) {
          throw new TemplateError("'" + assign.namespace() + "' is not a namespace");
        }
        namespace.fields().put(assign.field(), evaluator.evaluate(assign.value(), scope));
      }
      case Statement.Capture capture ->
          scope.set(capture.target(), captured(capture.body(), capture.value(), scope));
      case Statement.FilterBlock filter ->
          append(out, PythonText.of(captured(filter.body(), filter.value(), scope)));
      case Statement.Macro macro -> scope.set(macro.name(), macro(macro, scope));
      case Statement.CallBlock call -> callBlock(call, scope, out);
      case Statement.With with -> {
        var inner = new Scope(scope);
        for (int i = 0; i < with.names().size(); i++) {
          inner.set(with.names().get(i), evaluator.evaluate(with.values().get(i), inner));
        }
        return body(with.body(), inner, out);
      }
      case Statement.LoopControl control -> {
        return control.isBreak() ? Flow.BREAK : Flow.CONTINUE;
      }
    }
    return Flow.ON;
  }

  private void loop(Statement.For loop, Scope scope, StringBuilder out) {
    List<Object> items = Values.iterate(evaluator.evaluate(loop.over(), scope));
    Expression condition = loop.condition();
    if (condition != null) {
      var kept = new ArrayList<Object>();
      for (Object item : items) {
        evaluator.step();
        var inner = new Scope(scope);
        assign(loop.targets(), item, inner);
        if (Values.truth(evaluator.evaluate(condition, inner))) {
          kept.add(item);
        }
      }
      items = kept;
    }
    if (items.isEmpty()) {
      run(loop.otherwise(), new Scope(scope), out);
      return;
    }
    var state = new LoopState(items, loopDepth++);
    for (int i = 0; i < items.size(); i++) {
      // A scope for each round: what a round sets, the next one does not see.
      var inner = new Scope(scope);
      evaluator.step();
      state.at(i);
      inner.set("loop", state);
      assign(loop.targets(), items.get(i), inner);
      if (body(loop.body(), inner, out) == Flow.BREAK) {
        break;
      }
    }
    loopDepth--;
  }

  private static void assign(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> parts = Values.iterate(value);
    if (parts.size() != targets.size()) {
      throw new TemplateError(
          parts.size() + " values cannot be assigned to " + targets.size() + " names");
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
  }

  private Object captured(List<Statement> body, Expression value, Scope scope) {
    var inner = new Scope(scope);
    var text = new StringBuilder();
    run(body, inner, text);
    inner.set(Statement.CAPTURED, text.toString());
    return evaluator.evaluate(value, inner);
  }

  private Callable macro(Statement.Macro macro, Scope definedIn) {
    return arguments ->
        call(
            macro.name(), macro.parameters(), macro.defaults(), macro.body(), definedIn, arguments);
  }

  private Object call(
      String name,
      List<String> parameters,
      List<@Nullable Expression> defaults,
      List<Statement> body,
      Scope definedIn,
      Arguments arguments) {
    if (calls >= MAX_CALLS) {
      throw new TemplateError("macros call each other more than " + MAX_CALLS + " deep");
    }
    Position caller = position;
    calls++;
    var scope = new Scope(definedIn);
    Object block = arguments.named().get("caller");
    if (block != null) {
      scope.set("caller", block);
    }
    var described = new Object[2 * parameters.size() + (block == null ? 0 : 2)];
    for (int i = 0; i < parameters.size(); i++) {
      described[2 * i] = parameters.get(i);
      described[2 * i + 1] = Arguments.ABSENT;
    }
    if (block != null) {
      described[described.length - 2] = "caller";
      described[described.length - 1] = block;
    }
    Object[] values = arguments.bind(name, described);
    for (int i = 0; i < parameters.size(); i++) {
      Object value = values[i];
      if (value.equals(Arguments.ABSENT)) {
        Expression otherwise = i < defaults.size() ? defaults.get(i) : null;
        value =
            otherwise == null
                ? new Undefined("'" + parameters.get(i) + "'")
                : evaluator.evaluate(otherwise, scope);
      }
      scope.set(parameters.get(i), value);
    }
    var text = new StringBuilder();
    run(body, scope, text);
    calls--;
    position = caller;
    return text.toString();
  }

  private void callBlock(Statement.CallBlock block, Scope scope, StringBuilder out) {
    if (!(block.call() instanceof Expression.Call call)) {
      throw new TemplateError("a call block needs a call");
    }
    Callable caller =
        arguments -> call("caller", block.parameters(), List.of(), block.body(), scope, arguments);
    Object function = evaluator.evaluate(call.function(), scope);
    if (!(function instanceof Callable callable)) {
      throw new TemplateError("a " + Values.type(function) + " cannot be called");
    }
    Arguments given = evaluator.arguments(call.arguments(), scope);
    var named = new LinkedHashMap<>(given.named());
    named.put("caller", caller);
    append(out, PythonText.of(callable.call(new Arguments(given.positional(), named))));
  }

  private static void append(StringBuilder out, String text) {
    Values.checkLength(out.length() + (double) text.length());
    out.append(text);
  }
}
