package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.antlr.v4.runtime.Token;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.DType;
import org.fusionc.ir.Literal;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/** Reads attribute values as what the schema says they are. */
final class AttributeReader {
  private final Source source;
  private final TypeReader types;

  AttributeReader(Source source, TypeReader types) {
    this.source = source;
    this.types = types;
  }

  /**
   * The value of an attribute.
   *
   * @throws DiagnosticException if it is not of the attribute's kind
   */
  Object read(FirParser.AttributeValueContext context, OpSchema.Attribute attribute) {
    boolean list = context.LBRACKET() != null;
    var value =
        switch (attribute.kind()) {
          case "int" -> list ? null : integer(context.number());
          case "float" -> list ? null : real(context.number());
          case "bool" ->
              context.TRUE() != null
                  ? Boolean.TRUE
                  : context.FALSE() != null ? Boolean.FALSE : null;
          case "string" -> string(context, attribute);
          case "dtype" -> dtype(context);
          case "ints" -> list ? numbers(context, n -> integer(n)) : null;
          case "floats" -> list ? numbers(context, n -> real(n)) : null;
          case "numbers" -> literal(context);
          default -> null;
        };
    if (value == null) {
      throw error(
          context.getStart(),
          "attribute "
              + attribute.name()
              + " must be "
              + noun(attribute)
              + " but is "
              + Source.text(context),
          "");
    }
    return value;
  }

  private static String noun(OpSchema.Attribute attribute) {
    return switch (attribute.kind()) {
      case "int" -> "an integer";
      case "float" -> "a number";
      case "bool" -> "true or false";
      case "string" -> "a text in quotes";
      case "dtype" -> "a dtype such as f32";
      case "ints" -> "a list of integers such as [0, 1]";
      case "floats" -> "a list of numbers such as [0.5, 1.0]";
      case "numbers" -> "a number or a list of numbers";
      default -> "written after the operands: " + attribute.name() + " (…) { … }";
    };
  }

  private @Nullable Object string(
      FirParser.AttributeValueContext context, OpSchema.Attribute attribute) {
    if (context.STRING() == null) {
      return null;
    }
    var text = source.string(context.STRING().getSymbol());
    if (!attribute.choices().isEmpty() && !attribute.choices().contains(text)) {
      throw error(
          context.getStart(),
          "attribute "
              + attribute.name()
              + " must be one of "
              + attribute.choices().stream().map(Spelling::string).collect(Collectors.joining(", "))
              + " but is "
              + Spelling.string(text),
          Suggestion.didYouMean(text, attribute.choices(), ""));
    }
    return text;
  }

  private @Nullable DType dtype(FirParser.AttributeValueContext context) {
    return context.dtype() == null ? null : types.dtype(context.dtype());
  }

  private @Nullable Literal literal(FirParser.AttributeValueContext context) {
    if (context.number().isEmpty()) {
      return null;
    }
    var elements = new ArrayList<Number>(context.number().size());
    for (var number : context.number()) {
      var integer = integer(List.of(number));
      if (integer != null) {
        elements.add(integer);
      } else {
        elements.add(real(number));
      }
    }
    return new Literal(elements);
  }

  private static <T> @Nullable List<T> numbers(
      FirParser.AttributeValueContext context,
      java.util.function.Function<List<FirParser.NumberContext>, @Nullable T> reader) {
    var values = new ArrayList<T>();
    for (var number : context.number()) {
      var value = reader.apply(List.of(number));
      if (value == null) {
        return null;
      }
      values.add(value);
    }
    return List.copyOf(values);
  }

  /** The number, if there is one and it is an integer. */
  private @Nullable Long integer(List<FirParser.NumberContext> numbers) {
    if (numbers.isEmpty() || numbers.getFirst().INT() == null) {
      return null;
    }
    var number = numbers.getFirst();
    return types.integer(number.INT().getSymbol(), number.MINUS() != null ? "-" : "");
  }

  /** The number, if there is one; an integer stands for the same real number. */
  private @Nullable Double real(List<FirParser.NumberContext> numbers) {
    return numbers.isEmpty() ? null : Double.valueOf(real(numbers.getFirst()));
  }

  double real(FirParser.NumberContext number) {
    double value;
    if (number.INF() != null) {
      value = Double.POSITIVE_INFINITY;
    } else if (number.NAN() != null) {
      value = Double.NaN;
    } else {
      var digits = number.INT() != null ? number.INT() : number.FLOAT();
      value = Double.parseDouble(digits.getText());
      if (Double.isInfinite(value)) {
        throw error(number.getStart(), digits.getText() + " is too large a number", "write 'inf'");
      }
    }
    return number.MINUS() != null ? -value : value;
  }

  private DiagnosticException error(Token token, String message, String remedy) {
    return Diagnostic.invalid(source.location(token), message, remedy).exception();
  }
}
