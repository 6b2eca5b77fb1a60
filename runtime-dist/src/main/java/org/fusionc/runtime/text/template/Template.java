package org.fusionc.runtime.text.template;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/** A parsed Jinja template. Safe for use by several threads. */
public final class Template {
  private final String name;
  private final List<Statement> body;

  private Template(String name, List<Statement> body) {
    this.name = name;
    this.body = body;
  }

  /**
   * Parses a template.
   *
   * @param name what to call it in messages, such as its file
   * @throws DiagnosticException with line and column if it is not understood
   */
  public static Template parse(String name, String source) {
    try {
      return new Template(name, TemplateParser.parse(source));
    } catch (TemplateError e) {
      throw diagnostic(name, e, new Position(1, 1));
    }
  }

  /**
   * Puts the template's text out.
   *
   * @param variables by name: null, booleans, numbers, strings, lists and maps of them
   * @param now what the template's {@code strftime_now} tells
   * @throws DiagnosticException with the line, if the template fails or calls {@code
   *     raise_exception}
   */
  public String render(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
    var scope = new Scope(null);
    Globals.functions(now).forEach(scope::set);
    variables.forEach((variable, value) -> scope.set(variable, Values.fromJava(value)));
    var interpreter = new Interpreter();
    var out = new StringBuilder();
    try {
      interpreter.run(body, new Scope(scope), out);
    } catch (TemplateError e) {
      throw diagnostic(name, e, interpreter.position());
    }
    return out.toString();
  }

  private static DiagnosticException diagnostic(
      String name, TemplateError error, Position current) {
    Position given = error.position();
    Position position = given == null ? current : given;
    var location = new Location.Text(name, position.line(), position.column());
    return error.raisedByTemplate()
        ? Diagnostic.invalid(
                location,
                "the chat template refuses these messages: " + error.getMessage(),
                "give messages of the roles and in the order that the model expects")
            .exception()
        : Diagnostic.invalid(
                location,
                "the chat template cannot be used: " + error.getMessage(),
                "give another template, or a prompt that needs none")
            .exception();
  }
}
