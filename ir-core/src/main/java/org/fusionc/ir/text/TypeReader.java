package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.antlr.v4.runtime.Token;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Suggestion;

/** Reads types, dimensions and dtypes; dimension symbols must be declared. */
final class TypeReader {
  private static final Pattern QUANTIZED = Pattern.compile("q([2-8])(a?)");

  private final Source source;
  private final Map<String, Module.Bounds> dims;

  /**
   * @param dims the declared symbols; may still grow
   */
  TypeReader(Source source, Map<String, Module.Bounds> dims) {
    this.source = source;
    this.dims = dims;
  }

  /** The type of an op: a tuple unless it is one. */
  Type types(FirParser.TypesContext context) {
    var types = context.type().stream().map(t -> type(t)).toList();
    return types.size() == 1 ? types.getFirst() : new Type.Tuple(types);
  }

  Type type(FirParser.TypeContext context) {
    if (context.KV() != null) {
      var sizes = context.integer();
      return new Type.Kv(
          positive(sizes.get(0)), positive(sizes.get(1)), positive(sizes.get(2)), dtype(context));
    }
    var dimensions = new ArrayList<Dim>();
    for (var dim : context.dim()) {
      dimensions.add(dim(dim));
    }
    return context.BATCH() != null
        ? new Type.Batch(dimensions.get(0), dimensions.get(1))
        : new Type.Tensor(dtype(context), dimensions);
  }

  private DType dtype(FirParser.TypeContext context) {
    return dtype(context.dtype());
  }

  DType dtype(FirParser.DtypeContext context) {
    var name = context.ID().getText();
    var quantized = QUANTIZED.matcher(name);
    if (quantized.matches()) {
      if (context.INT() == null) {
        throw error(
            context.getStart(),
            "the quantised dtype " + name + " needs its group size",
            "write for example " + name + "<32>");
      }
      long group = integer(context.INT().getSymbol(), "");
      if (group < 1 || group > Integer.MAX_VALUE) {
        throw error(
            context.INT().getSymbol(), "a group of " + group + " elements", "write at least 1");
      }
      return new DType.Quantized(
          Integer.parseInt(quantized.group(1)), (int) group, !quantized.group(2).isEmpty());
    }
    var scalar = DType.scalar(name);
    if (scalar.isEmpty()) {
      var known = new ArrayList<>(DType.Scalar.BY_NAME.keySet().stream().sorted().toList());
      known.addAll(List.of("q4<32>", "kv", "batch"));
      throw error(
          context.getStart(),
          "unknown dtype '" + name + "'",
          Suggestion.didYouMean(name, known, "known are " + String.join(", ", known)));
    }
    if (context.INT() != null) {
      throw error(context.getStart(), name + " has no groups", "write '" + name + "'");
    }
    return scalar.get();
  }

  private Dim dim(FirParser.DimContext context) {
    try {
      var sum = product(context.term(0));
      if (context.MINUS() != null) {
        sum = Dim.of(0).minus(sum);
      }
      for (int i = 1; i < context.term().size(); i++) {
        var term = product(context.term(i));
        sum = context.sign(i - 1).MINUS() != null ? sum.minus(term) : sum.plus(term);
      }
      if (sum.isStatic() && sum.value() < 0) {
        throw error(context.getStart(), "the dimension " + sum + " is negative", "");
      }
      return sum;
    } catch (ArithmeticException overflow) {
      throw error(context.getStart(), "the dimension " + context.getText() + " is too large", "");
    }
  }

  private Dim product(FirParser.TermContext context) {
    var product = Dim.of(1);
    for (var factor : context.factor()) {
      product = product.times(factor(factor));
    }
    return product;
  }

  private Dim factor(FirParser.FactorContext context) {
    if (context.INT() != null) {
      return Dim.of(integer(context.INT().getSymbol(), ""));
    }
    var symbol = context.getText();
    if (!dims.containsKey(symbol)) {
      throw error(
          context.getStart(),
          "undefined dimension '" + symbol + "'",
          Suggestion.didYouMean(
              symbol, dims.keySet(), "declare it: 'dim " + symbol + " in [1, 8192]'"));
    }
    return Dim.symbol(symbol);
  }

  private long positive(FirParser.IntegerContext context) {
    long value = integer(context);
    if (value < 1) {
      throw error(context.getStart(), "a kv cache has no size " + value, "write at least 1");
    }
    return value;
  }

  long integer(FirParser.IntegerContext context) {
    return integer(context.INT().getSymbol(), context.MINUS() != null ? "-" : "");
  }

  long integer(Token digits, String sign) {
    try {
      return Long.parseLong(sign + digits.getText());
    } catch (NumberFormatException e) {
      throw error(digits, sign + digits.getText() + " does not fit in 64 bits", "");
    }
  }

  private DiagnosticException error(Token token, String message, String remedy) {
    return Diagnostic.invalid(source.location(token), message, remedy).exception();
  }
}
