package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.jspecify.annotations.Nullable;

/** Writes functions, and the bodies within them, one op a line. */
final class FunctionPrinter {
  private final StringBuilder text;

  FunctionPrinter(StringBuilder text) {
    this.text = text;
  }

  void print(Function function) {
    var names = ValueNames.of(function);
    text.append("func ").append(Spelling.symbol(function.name()));
    parameters(function, names);
    text.append(" -> ").append(types(function.resultTypes())).append(' ');
    block(function, names, "");
    text.append('\n');
  }

  /** {@code { … }}, without a newline after it. */
  void block(Function function, String indent) {
    block(function, ValueNames.of(function), indent);
  }

  private void block(Function function, ValueNames names, String indent) {
    var inner = indent + "  ";
    text.append("{\n");
    for (var op : function.body()) {
      comments(function.notes().comments(op), inner);
      text.append(inner);
      op(op, names, function.notes(), inner);
      text.append('\n');
    }
    comments(function.notes().trailing(), inner);
    text.append(inner).append("return");
    operands(function.results(), names);
    text.append('\n').append(indent).append('}');
  }

  /** One op as its line, without a newline; ops in bodies have lines of their own. */
  void op(Op op, ValueNames names, Notes notes, String indent) {
    var results = names.results(op);
    text.append(results.stream().map(Spelling::value).collect(Collectors.joining(", ")))
        .append(" = ")
        .append(op.name());
    var operands = op.operands();
    int present = operands.size();
    while (present > 0 && operands.get(present - 1) == null) {
      present--;
    }
    operands(operands.subList(0, present), names);
    attributes(op);
    var specs = op.schema().attributes();
    var attributes = op.attributes();
    for (int i = 0; i < specs.size(); i++) {
      if (attributes.get(i) instanceof Function body) {
        var bodyNames = ValueNames.of(body);
        text.append(' ').append(specs.get(i).name()).append(' ');
        parameters(body, bodyNames);
        text.append(' ');
        block(body, bodyNames, indent);
      }
    }
    text.append(" : ")
        .append(op.type() instanceof Type.Tuple(var parts) ? types(parts) : op.type().toString());
    if (notes.location(op) instanceof Location.Named named && named.isKnown()) {
      text.append(" loc(").append(Spelling.string(named.name())).append(')');
    }
  }

  private void parameters(Function function, ValueNames names) {
    text.append(
        function.params().stream()
            .map(p -> parameter(p, names))
            .collect(Collectors.joining(", ", "(", ")")));
  }

  private static String parameter(Param param, ValueNames names) {
    return names.operand(param) + ": " + param.type();
  }

  private void operands(List<? extends @Nullable Value> values, ValueNames names) {
    for (int i = 0; i < values.size(); i++) {
      text.append(i == 0 ? " " : ", ").append(names.operand(values.get(i)));
    }
  }

  private void attributes(Op op) {
    var specs = op.schema().attributes();
    var values = op.attributes();
    var entries = new ArrayList<String>();
    for (int i = 0; i < specs.size(); i++) {
      var value = values.get(i);
      if (!(value instanceof Function) && !value.equals(specs.get(i).defaultValue())) {
        entries.add(specs.get(i).name() + " = " + attribute(value));
      }
    }
    if (!entries.isEmpty()) {
      text.append(" {").append(String.join(", ", entries)).append('}');
    }
  }

  static String attribute(Object value) {
    return switch (value) {
      case String s -> Spelling.string(s);
      case Double d -> Spelling.number(d);
      case Long l -> l.toString();
      case Boolean b -> b.toString();
      case DType d -> d.toString();
      case Literal literal when literal.isSplat() -> attribute(literal.elements().getFirst());
      case Literal literal -> list(literal.elements());
      case List<?> l -> list(l);
      default -> throw new IllegalArgumentException("no attribute is a " + value.getClass());
    };
  }

  private static String list(List<?> values) {
    return values.stream().map(v -> attribute(v)).collect(Collectors.joining(", ", "[", "]"));
  }

  /** A single type as it is, any other number of them in parentheses. */
  static String types(List<Type> types) {
    return types.size() == 1 ? types.getFirst().toString() : new Type.Tuple(types).toString();
  }

  void comments(List<String> lines, String indent) {
    for (var line : lines) {
      line.lines()
          .forEach(l -> text.append(indent).append(l.isEmpty() ? "//" : "// " + l).append('\n'));
      if (line.isEmpty()) {
        text.append(indent).append("//\n");
      }
    }
  }
}
