package org.fusionc.ir.text;

import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanPrinter;

/** Prints modules as FIR text. */
public final class FirPrinter {
  /** The version that this printer writes. */
  public static final String VERSION = "1.0";

  private final StringBuilder text = new StringBuilder();
  private final FunctionPrinter functions = new FunctionPrinter(text);

  private FirPrinter() {}

  /** The module's text, ending in a newline. */
  public static String print(Module module) {
    return print(module, Optional.empty());
  }

  /** The module's text with a pipeline in it, as reproducer files have. */
  public static String print(Module module, Optional<String> pipeline) {
    var printer = new FirPrinter();
    printer.module(module, pipeline);
    return printer.text.toString();
  }

  /** The text of one function, ending in a newline. */
  public static String printFunction(Function function) {
    var printer = new FirPrinter();
    printer.functions.print(function);
    return printer.text.toString();
  }

  /** One op of a function as its text, without a newline, for messages. */
  public static String printOp(Op op, Function function) {
    var printer = new FirPrinter();
    printer.functions.op(op, ValueNames.of(function), function.notes(), "");
    return printer.text.toString();
  }

  private void module(Module module, Optional<String> pipeline) {
    comments(module, Comments.HEADER);
    text.append("fir ").append(VERSION).append('\n');
    pipeline.ifPresent(p -> {
      comments(module, Comments.PIPELINE);
      text.append("pipeline ").append(Spelling.string(p)).append('\n');
    });
    module
        .dims()
        .forEach((symbol, bounds) -> {
          comments(module, Comments.dim(symbol));
          text.append("dim %s in [%d, %d]\n".formatted(symbol, bounds.min(), bounds.max()));
        });
    module
        .weights()
        .forEach((symbol, weight) -> {
          comments(module, Comments.weight(symbol));
          weight(symbol, weight);
        });
    module
        .functions()
        .forEach((name, function) -> {
          text.append('\n');
          comments(module, Comments.function(name));
          functions.print(function.name().equals(name) ? function : function.withName(name));
        });
    module
        .plan()
        .ifPresent(plan -> {
          text.append('\n');
          comments(module, Comments.plan(plan.name()));
          plan(module, plan);
        });
    comments(module, Comments.END);
  }

  private void weight(String symbol, Module.WeightDef weight) {
    text.append("weight ")
        .append(Spelling.symbol(symbol))
        .append(" : ")
        .append(weight.type())
        .append(" = ");
    switch (weight.source()) {
      case WeightSource.File(String file, String tensor) ->
          text.append("file(")
              .append(Spelling.string(file))
              .append(", ")
              .append(Spelling.string(tensor))
              .append(')');
      case WeightSource.Blob(String digest, var layout) -> {
        text.append("blob(").append(Spelling.string(digest));
        if (layout != null) {
          text.append(", ").append(Spelling.string(layout));
        }
        text.append(')');
      }
      case WeightSource.Computed(Function function) -> functions.block(function, "");
    }
    text.append('\n');
  }

  /** The plan as {@link PlanPrinter} has it, with the comments of its lines between them. */
  private void plan(Module module, Plan plan) {
    var counts = new HashMap<String, Integer>();
    for (var line : PlanPrinter.print(plan).split("\n", -1)) {
      if (line.startsWith("  ")) {
        var kind = line.strip().split(" ", 2)[0];
        int index = counts.merge(kind, 1, Integer::sum) - 1;
        functions.comments(commentsOf(module, Comments.planLine(plan.name(), kind, index)), "  ");
      } else if (line.equals("}")) {
        functions.comments(commentsOf(module, Comments.planEnd(plan.name())), "  ");
      }
      if (!line.isEmpty()) {
        text.append(line).append('\n');
      }
    }
  }

  private void comments(Module module, String item) {
    functions.comments(commentsOf(module, item), "");
  }

  private static List<String> commentsOf(Module module, String item) {
    return module.comments().getOrDefault(item, List.of());
  }
}
