package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.antlr.v4.runtime.Token;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Plan;
import org.jspecify.annotations.Nullable;

/**
 * Reads a module in two sweeps over its items: first dimensions and the heads of weights and
 * functions, then what uses them, so that items may stand in any order.
 */
final class ModuleReader {
  private static final List<String> ITEMS = List.of("dim", "weight", "func", "plan", "pipeline");

  private final String file;
  private final Graph graph;
  private final Source source;
  private final Problems problems = new Problems();
  private final Symbols symbols;
  private final TypeReader types;
  private final BlockReader blocks;
  private final Map<String, Module.Bounds> dims = new LinkedHashMap<>();
  private final Map<String, Module.WeightDef> weights = new LinkedHashMap<>();
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final Map<String, List<String>> comments = new LinkedHashMap<>();
  private @Nullable Plan plan;
  private @Nullable String pipeline;

  ModuleReader(String text, String file, Graph graph, OpRegistry ops) {
    this.file = file;
    this.graph = graph;
    source = new Source(text, file);
    symbols = new Symbols(source, problems);
    types = new TypeReader(source, dims);
    blocks = new BlockReader(source, problems, graph, ops, types, symbols);
  }

  org.fusionc.ir.text.FirParser.Document read() {
    try {
      version();
      var items = items();
      for (int type : List.of(FirParser.DIM, FirParser.WEIGHT, FirParser.FUNC)) {
        items.stream().filter(item -> item.getType() == type).forEach(item -> declare(item));
      }
      items.forEach(item -> define(item));
    } catch (Problems.TooMany e) {
      // Reported with the others.
    }
    problems.throwIfAny();
    var module = new Module(graph, dims, weights, functions, Optional.ofNullable(plan), comments);
    verify(module);
    return new org.fusionc.ir.text.FirParser.Document(module, Optional.ofNullable(pipeline));
  }

  /** What concerns the module as a whole: its own errors have no line, but at least the file. */
  private void verify(Module module) {
    var found = Verifier.verify(module);
    if (!found.isEmpty()) {
      throw new DiagnosticException(
          found.stream()
              .map(d ->
                  d.location().isKnown()
                      ? d
                      : Diagnostic.invalid(Location.named(file), d.message(), d.remedy()))
              .limit(Problems.LIMIT)
              .toList());
    }
  }

  private void version() {
    var start = source.next();
    var above = new ArrayList<>(source.commentsAbove(start));
    if (!source.at(FirParser.FIR)) {
      throw Diagnostic.invalid(
              source.location(start),
              "expected 'fir " + FirPrinter.VERSION + "', found " + Source.found(start),
              "FIR text begins with 'fir " + FirPrinter.VERSION + "'")
          .exception();
    }
    var number = source.parser.version().getStop();
    if (!number.getText().equals(FirPrinter.VERSION)) {
      throw Diagnostic.invalid(
              source.location(number),
              "this is FIR version "
                  + number.getText()
                  + ", and this fusionc reads version "
                  + FirPrinter.VERSION,
              "use the fusionc that wrote it, or a newer one")
          .exception();
    }
    above.addAll(source.commentsWithin(start, number));
    comment(Comments.HEADER, above);
  }

  /** The tokens that begin items. */
  private List<Token> items() {
    checkEnd();
    var items = new ArrayList<Token>();
    for (source.skipToItem(); !source.at(FirParser.EOF); source.skipToItem()) {
      items.add(source.skip());
    }
    comment(Comments.END, source.commentsAbove(source.next()));
    return items;
  }

  private void comment(String key, List<String> lines) {
    if (!lines.isEmpty()) {
      comments.put(key, lines);
    }
  }

  /** Reports what stands between items and is none. */
  private void checkEnd() {
    if (source.at(FirParser.EOF) || source.isItemStart()) {
      return;
    }
    var token = source.next();
    try {
      switch (token.getType()) {
        // These say what is wrong with the item's beginning.
        case FirParser.DIM -> source.parser.dimension();
        case FirParser.WEIGHT -> source.parser.weightHead();
        case FirParser.FUNC -> source.parser.funcHead();
        case FirParser.PLAN -> source.parser.planHead();
        case FirParser.PIPELINE -> source.parser.pipeline();
        default -> {}
      }
      problems.report(
          source.location(token),
          "expected " + Source.either(ITEMS) + ", found " + Source.found(token),
          Suggestion.didYouMean(token.getText(), ITEMS, ""));
    } catch (DiagnosticException e) {
      problems.report(e);
    }
  }

  /** Reads what other items refer to. */
  private void declare(Token item) {
    source.seek(item);
    try {
      switch (item.getType()) {
        case FirParser.DIM -> dimension();
        case FirParser.WEIGHT -> weight(item);
        default -> symbols.function(source.name(source.peek(2)));
      }
    } catch (DiagnosticException e) {
      problems.report(e);
      if (item.getType() == FirParser.WEIGHT) {
        source.seek(item);
        symbols.brokenWeight(source.name(source.peek(2)));
      }
    }
  }

  private void dimension() {
    var start = source.next();
    var context = source.parser.dimension();
    var symbol = context.word().getText();
    if (symbols.declare("dimension " + symbol, context.word().getStart())) {
      long low = types.integer(context.low);
      long high = types.integer(context.high);
      dims.put(symbol, new Module.Bounds(low, high));
      comments(Comments.dim(symbol), start, context.getStop());
      if (low > high || low < 0) {
        problems.report(
            source.location(context.low),
            "dimension " + symbol + " has the bounds [" + low + ", " + high + "]",
            "write the smaller one first, and none below 0");
      }
    }
    checkEnd();
  }

  private void comments(String key, Token first, Token last) {
    var lines = new ArrayList<>(source.commentsAbove(first));
    lines.addAll(source.commentsWithin(first, last));
    comment(key, lines);
  }

  private void weight(Token item) {
    var head = source.parser.weightHead();
    var token = head.SYMBOL().getSymbol();
    var symbol = source.name(token);
    if (!symbols.declare("weight " + Spelling.symbol(symbol), token)) {
      return;
    }
    if (!(types.type(head.type()) instanceof Type.Tensor type) || !type.isStatic()) {
      throw Diagnostic.invalid(
              source.location(head.type()),
              "weight " + Spelling.symbol(symbol) + " is " + Source.text(head.type()),
              "a weight is a tensor whose dimensions are numbers")
          .exception();
    }
    symbols.weight(symbol, type);
    // A block is read in the second sweep, and keeps its place until then.
    weights.put(symbol, new Module.WeightDef(symbol, type, new WeightSource.Blob("")));
    if (!source.at(FirParser.LBRACE)) {
      if (!source.at(FirParser.FILE) && !source.at(FirParser.BLOB)) {
        throw source.unexpected(source.next(), List.of("'file'", "'blob'", "'{'"));
      }
      var context = source.parser.weightSource();
      weights.put(symbol, new Module.WeightDef(symbol, type, stored(context)));
      comments(Comments.weight(symbol), item, context.getStop());
      checkEnd();
    }
  }

  private WeightSource stored(FirParser.WeightSourceContext context) {
    var first = source.string(context.STRING(0).getSymbol());
    var second = context.STRING(1);
    if (context.BLOB() == null) {
      return new WeightSource.File(first, source.string(second.getSymbol()));
    }
    return new WeightSource.Blob(first, second == null ? null : source.string(second.getSymbol()));
  }

  /** Reads what refers to other items. */
  private void define(Token item) {
    source.seek(item);
    try {
      switch (item.getType()) {
        case FirParser.WEIGHT -> computed(item);
        case FirParser.FUNC -> function(item);
        case FirParser.PLAN -> plan(item);
        case FirParser.PIPELINE -> pipeline(item);
        default -> {}
      }
    } catch (DiagnosticException e) {
      problems.report(e);
    }
  }

  private void computed(Token item) {
    var symbol = source.name(source.peek(2));
    var weight = weights.get(symbol);
    if (weight == null) {
      return;
    }
    source.parser.weightHead();
    if (!source.at(FirParser.LBRACE)) {
      return;
    }
    comments(Comments.weight(symbol), item, source.next());
    var function =
        blocks.read(
            symbol, "weight " + Spelling.symbol(symbol), null, List.<Type>of(weight.type()));
    end(Comments.weight(symbol));
    if (function != null) {
      weights.put(
          symbol, new Module.WeightDef(symbol, weight.type(), new WeightSource.Computed(function)));
    }
  }

  /** Passes the closing brace of an item, and keeps the comments after it on its line. */
  private void end(String key) {
    var brace = source.take(FirParser.RBRACE);
    var after = source.commentsWithin(brace, brace);
    if (!after.isEmpty()) {
      var all = new ArrayList<>(comments.getOrDefault(key, List.of()));
      all.addAll(after);
      comments.put(key, all);
    }
    checkEnd();
  }

  private void function(Token item) {
    var head = source.parser.funcHead();
    var token = head.SYMBOL().getSymbol();
    var name = source.name(token);
    if (!symbols.declare("function " + Spelling.symbol(name), token)) {
      return;
    }
    @Nullable List<Type> declared = null;
    try {
      declared = head.types().type().stream().map(t -> types.type(t)).toList();
    } catch (DiagnosticException e) {
      problems.report(e);
    }
    comments(Comments.function(name), item, source.next());
    var function =
        blocks.read(name, "function " + Spelling.symbol(name), head.parameters(), declared);
    end(Comments.function(name));
    if (function != null) {
      functions.put(name, function);
    }
  }

  private void plan(Token item) {
    var head = source.parser.planHead();
    if (!symbols.declare("the plan", item)) {
      return;
    }
    var name = source.name(head.SYMBOL().getSymbol());
    comments(Comments.plan(name), item, source.next());
    plan = new PlanReader(source, problems, types, comments).read(head);
    end(Comments.plan(name));
  }

  private void pipeline(Token item) {
    var context = source.parser.pipeline();
    if (symbols.declare("the pipeline", item)) {
      pipeline = source.string(context.STRING().getSymbol());
      comments(Comments.PIPELINE, item, context.getStop());
    }
    checkEnd();
  }
}
