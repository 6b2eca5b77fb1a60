package org.fusionc.passes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Param;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.rewrite.GraphOps;
import org.fusionc.ir.rewrite.Names;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.Rewriter;
import org.jspecify.annotations.Nullable;

/**
 * linear(x, w₁, b₁), …, linear(x, wₙ, bₙ) → the slices of linear(x, concat(w₁, …, wₙ), concat(b₁,
 * …, bₙ)). Each output is the same sum in the same order as before. What is left of the concat is
 * for {@link SplitLoadTime}. Subclasses choose which linears belong together.
 */
abstract class MergeLinears implements Pass {
  /** Linears that would be merged if they had the same x, group by group. */
  abstract List<? extends Collection<Linear>> candidates(Function function);

  @Override
  public Module run(Module module, PassContext context) {
    var functions = new LinkedHashMap<String, Function>();
    module.functions().forEach((name, f) -> functions.put(name, merge(module, f, context)));
    return functions.equals(module.functions()) ? module : module.withFunctions(functions);
  }

  private Function merge(Module module, Function function, PassContext context) {
    var ops = new GraphOps(module.graph());
    var replacements = new LinkedHashMap<Value, Value>();
    var names = new LinkedHashMap<Value, String>();
    for (var candidate : candidates(function)) {
      var byInput = new LinkedHashMap<Value, SequencedSet<Linear>>();
      for (var linear : candidate) {
        if (!replacements.containsKey(linear)) {
          byInput.computeIfAbsent(linear.x(), x -> new LinkedHashSet<>()).add(linear);
        }
      }
      for (var sameInput : byInput.values()) {
        if (sameInput.size() > 1) {
          var group = List.copyOf(sameInput);
          var obstacle = obstacle(function, group);
          if (obstacle != null) {
            context.nearly(name(), function, group.getFirst(), obstacle);
          } else {
            replace(function, group, ops, replacements, names);
            context.fired(name(), function, group.getFirst(), "merged " + list(function, group));
          }
        }
      }
    }
    return Rewriter.substitute(module.graph(), function, replacements, names);
  }

  private static @Nullable String obstacle(Function function, List<Linear> group) {
    var first = group.getFirst().weight().tensorType().dtype();
    for (var linear : group) {
      var dtype = linear.weight().tensorType().dtype();
      if (!dtype.equals(first)) {
        return "the weights of %s have different dtypes, %s and %s"
            .formatted(list(function, group), first, dtype);
      }
      if (dtype instanceof DType.Quantized) {
        return "the weights of %s are quantised; merging comes before quantising"
            .formatted(list(function, group));
      }
      if (!isLoadTime(linear.weight()) || (linear.bias() != null && !isLoadTime(linear.bias()))) {
        return "the weight of %s depends on the input".formatted(Names.of(function, linear));
      }
      var bias = linear.bias();
      var firstBias = group.getFirst().bias();
      if ((bias == null) != (firstBias == null)) {
        return "only some of %s have a bias".formatted(list(function, group));
      }
      if (bias != null && firstBias != null) {
        var dtypeOfBias = bias.tensorType().dtype();
        if (!dtypeOfBias.equals(firstBias.tensorType().dtype())) {
          return "the biases of %s have different dtypes".formatted(list(function, group));
        }
      }
      if (!linear.weight().tensorType().isStatic()) {
        return "the weight of %s is of no fixed size".formatted(Names.of(function, linear));
      }
    }
    return null;
  }

  private static boolean isLoadTime(Value value) {
    return !(value instanceof Param)
        && Reachable.ops(List.of(value)).stream()
            .allMatch(op -> op.inputs().stream().noneMatch(Param.class::isInstance));
  }

  private static void replace(
      Function function,
      List<Linear> group,
      GraphOps ops,
      Map<Value, Value> replacements,
      Map<Value, String> names) {
    var x = group.getFirst().x();
    var weight = ops.concat(group.stream().map(Linear::weight).toList(), 0);
    var biases = new ArrayList<Value>();
    for (var linear : group) {
      var bias = linear.bias();
      if (bias != null) {
        biases.add(bias);
      }
    }
    var bias = biases.isEmpty() ? null : ops.concat(biases, 0);
    var merged = ops.linear(x, weight, bias);
    int axis = merged.tensorType().rank() - 1;
    long start = 0;
    for (var linear : group) {
      long end = start + linear.weight().tensorType().dim(0).value();
      replacements.put(linear, ops.slice(merged, axis, start, end, 1));
      start = end;
    }
    joined(group.stream().map(linear -> function.notes().name(linear).orElse("")).toList())
        .ifPresent(name -> names.put(merged, name));
    joined(symbols(group.stream().map(Linear::weight).toList()))
        .ifPresent(name -> names.put(weight, name + ".merged"));
    if (bias != null) {
      joined(symbols(biases)).ifPresent(name -> names.put(bias, name + ".merged"));
    }
  }

  /** The symbols of the first weights that the values are made of. */
  private static List<String> symbols(List<Value> values) {
    return values.stream()
        .map(value -> {
          if (value instanceof Weight weight) {
            return weight.symbol();
          }
          return Reachable.ops(List.of(value)).stream()
              .flatMap(op -> op.inputs().stream())
              .filter(Weight.class::isInstance)
              .map(input -> ((Weight) input).symbol())
              .findFirst()
              .orElse("");
        })
        .toList();
  }

  /** {@code layers.0.attn.q_k_v} for {@code layers.0.attn.q}, {@code ….k} and {@code ….v}. */
  static Optional<String> joined(List<String> names) {
    if (names.stream().anyMatch(String::isEmpty)) {
      return Optional.empty();
    }
    var first = List.of(names.getFirst().split("\\."));
    int common = first.size() - 1;
    for (var name : names) {
      var parts = List.of(name.split("\\."));
      while (common > parts.size() - 1
          || !parts.subList(0, common).equals(first.subList(0, common))) {
        common--;
      }
    }
    var tails = new ArrayList<String>();
    for (var name : names) {
      var parts = List.of(name.split("\\."));
      tails.add(String.join(".", parts.subList(common, parts.size())));
    }
    var suffix = commonSuffix(tails);
    var middle =
        String.join(
            "_", tails.stream().map(t -> t.substring(0, t.length() - suffix.length())).toList());
    var prefix = String.join(".", first.subList(0, common));
    return Optional.of((prefix.isEmpty() ? "" : prefix + ".") + middle + suffix);
  }

  /** The last parts that all names share, such as {@code .weight}. */
  private static String commonSuffix(List<String> names) {
    var first = names.getFirst();
    for (int dot = first.indexOf('.'); dot >= 0; dot = first.indexOf('.', dot + 1)) {
      var suffix = first.substring(dot);
      if (names.stream()
          .allMatch(name -> name.endsWith(suffix) && name.length() > suffix.length())) {
        return suffix;
      }
    }
    return "";
  }

  private static String list(Function function, List<Linear> group) {
    return String.join(", ", group.stream().map(op -> Names.of(function, op)).toList());
  }
}
