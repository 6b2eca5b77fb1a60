package org.fusionc.passes;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.fusionc.ir.DType;
import org.fusionc.ir.Module;
import org.fusionc.ir.Param;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.rewrite.GraphOps;
import org.fusionc.ir.rewrite.Reachable;
import org.jspecify.annotations.Nullable;

/** What rules say of the weights of a module, by the stored weights that each is made of. */
final class WeightChoice {
  /** A product with the embedding table goes by this name as well: the model ties the two. */
  private static final String TIED = "lm_head";

  /**
   * Rows of a weight that get one format.
   *
   * @param value the rows, as the model has them
   * @param start the first row within the whole weight
   * @param end the row after the last
   * @param symbol of the weight, or of one that it is made of
   */
  record Part(Value value, WeightFormat format, long start, long end, String symbol) {
    boolean changes() {
      return format.dtype() != null && !format.dtype().equals(value.tensorType().dtype());
    }

    boolean isQuantized() {
      return format.dtype() instanceof DType.Quantized;
    }

    /** The rows in their format. */
    Value converted(GraphOps ops) {
      if (format.dtype() == null || !changes()) {
        return value;
      }
      return isQuantized() ? ops.quantize(value, format.dtype()) : ops.cast(value, format.dtype());
    }

    String name() {
      return symbol + "." + format.suffix();
    }

    @Override
    public String toString() {
      var type = value.tensorType();
      var text = "@" + symbol + " as " + format;
      if (format.dtype() instanceof DType.Quantized quantized
          && type.dim(-1).value() % quantized.group() != 0) {
        long padded = Math.ceilDiv(type.dim(-1).value(), (long) quantized.group());
        return text
            + ", rows of %s padded to %d".formatted(type.dim(-1), padded * quantized.group());
      }
      return text;
    }
  }

  private final Module module;
  private final WeightRules rules;
  private final Set<String> tables = new HashSet<>();
  private final Set<String> asked = new TreeSet<>();

  WeightChoice(Module module, WeightRules rules) {
    this.module = module;
    this.rules = rules;
    for (var function : module.functions().values()) {
      for (var op : function.body()) {
        if (op instanceof Gather gather) {
          tables.addAll(sources(gather.x()));
        }
      }
    }
  }

  /**
   * The parts of a product's weight, of different formats where neighbours; empty if the weight
   * cannot be changed: it depends on the input, or is quantised already.
   */
  List<Part> ofProduct(Value weight) {
    if (!isFloatWeight(weight)) {
      return List.of();
    }
    var symbol = weight instanceof Weight w ? w.symbol() : null;
    var root = root(weight);
    var rows = new ArrayList<Part>();
    if (root instanceof Concat concat && concat.axis() == 0) {
      long start = 0;
      for (var input : concat.inputs()) {
        long end = start + input.tensorType().dim(0).value();
        rows.add(part(input, start, end, null));
        start = end;
      }
      if (rows.stream().map(Part::format).distinct().count() > 1) {
        return List.copyOf(rows);
      }
    }
    var format = rows.isEmpty() ? part(root, 0, 0, null).format : rows.getFirst().format;
    long end = weight.tensorType().dim(0).value();
    // Bare weights stay by name; computed ones are inlined, so that one load-time function is left.
    var source = sources(weight).getFirst();
    var rowsOfAll = format.dtype() == null ? weight : root;
    return List.of(new Part(rowsOfAll, format, 0, end, symbol == null ? source : symbol));
  }

  /** A weight that cannot be taken apart; null if it cannot be changed. */
  @Nullable Part whole(Value weight) {
    var parts = ofProduct(weight);
    if (parts.size() > 1) {
      for (var part : parts) {
        requireSame(parts.getFirst(), part);
      }
    }
    return parts.isEmpty() ? null : parts.getFirst();
  }

  /** The format of a table that rows are picked from; null unless a pattern names it. */
  @Nullable Part ofTable(Gather op) {
    var table = op.x();
    int rank = table.tensorType().rank();
    if (!isFloatWeight(table) || rank < 2 || op.axis() != 0) {
      return null;
    }
    var symbols = sources(table);
    asked.addAll(symbols);
    var format = rules.named(symbols);
    return format == null
        ? null
        : new Part(root(table), format, 0, table.tensorType().dim(0).value(), symbols.getFirst());
  }

  /** Two weights that one op wants in the same dtype. */
  void requireSame(Part first, Part second) {
    if (!first.format.equals(second.format)) {
      throw different(first.symbol, first.format, second.symbol, second.format);
    }
  }

  void requireUsed() {
    rules.requireUsed(asked, module.weights().keySet());
  }

  private Part part(Value value, long start, long end, @Nullable String name) {
    var symbols = sources(value);
    WeightFormat format = null;
    for (var symbol : symbols) {
      var names = tables.contains(symbol) ? List.of(symbol, TIED) : List.of(symbol);
      asked.addAll(names);
      var own = rules.of(names);
      if (format != null && !format.equals(own)) {
        throw different(symbols.getFirst(), format, symbol, own);
      }
      format = own;
    }
    var known = format == null ? WeightFormat.NONE : format;
    return new Part(value, known, start, end, name == null ? symbols.getFirst() : name);
  }

  private static RuntimeException different(
      String first, WeightFormat format, String second, WeightFormat other) {
    return Diagnostic.usage(
            "@%s is to be %s and @%s %s, but one operand is made of both"
                .formatted(first, format, second, other),
            "give both the same format")
        .exception();
  }

  /** Whether the value is floating and made of stored weights alone. */
  private boolean isFloatWeight(Value value) {
    if (value instanceof Param
        || !value.tensorType().dtype().isFloat()
        || !value.tensorType().isStatic()) {
      return false;
    }
    boolean dynamic =
        Reachable.ops(List.of(value)).stream()
            .anyMatch(op -> op.inputs().stream().anyMatch(Param.class::isInstance));
    return !dynamic && !sources(value).isEmpty();
  }

  /** The expression that a computed weight stands for; any other value itself. */
  private Value root(Value value) {
    var current = value;
    while (current instanceof Weight weight
        && definition(weight).source() instanceof WeightSource.Computed(var function)) {
      current = function.results().getFirst();
    }
    return current;
  }

  private Module.WeightDef definition(Weight weight) {
    var definition = module.weights().get(weight.symbol());
    if (definition == null) {
      throw Diagnostic.invalid(
              Location.named("@" + weight.symbol()), "the module has no such weight", "define it")
          .exception();
    }
    return definition;
  }

  /** The stored weights that a value is made of, in order. */
  private List<String> sources(Value value) {
    var symbols = new LinkedHashSet<String>();
    var todo = new ArrayList<Value>(List.of(value));
    var seen = new HashSet<Value>();
    while (!todo.isEmpty()) {
      var next = root(todo.removeFirst());
      if (next instanceof Weight weight) {
        symbols.add(weight.symbol());
      } else if (seen.add(next)) {
        var producer = Reachable.producer(next);
        if (producer != null) {
          todo.addAll(producer.inputs());
        }
      }
    }
    return List.copyOf(symbols);
  }
}
