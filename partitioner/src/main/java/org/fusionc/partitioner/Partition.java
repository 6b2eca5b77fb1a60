package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Param;
import org.fusionc.ir.Type;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;

/**
 * Cuts a module as a plan says: {@code @decode} becomes {@code @decode.s0}, {@code @decode.s1} …,
 * and the plan's stages run those.
 *
 * <p>A stage function's parameters are, in this order: the batch, and of the whole's others that
 * are no states (the ids) those that its ops read; the tensors that cross the cut before it; and
 * the states that its ops touch. Its results are the tensors that cross the cut after it (of the
 * last stage: the results of the whole that are no states), and then its states. So one stage's
 * tensors out are, in order, the next one's tensors in; a tensor that only a later stage needs
 * passes through.
 */
public final class Partition {
  private Partition() {}

  /**
   * @param plan whose stages all run the same function of {@code module}
   * @return the module with the stage functions in place of that function, and the plan in it
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan does not cut the function;
   *     see {@link PlanChecker#check}, which also checks memory
   */
  public static Module apply(Module module, Plan plan) {
    var structure = new PlanStructure(module, plan);
    structure.checkDevices();
    var ends = structure.ends();
    structure.formats(ends);
    var whole = structure.liveness().function();
    var cutter = new StageFunctions(module.graph(), structure.liveness());
    var pieces = new ArrayList<Function>();
    var stages = new ArrayList<Stage>();
    for (var stage : plan.stages()) {
      int from = pieces.isEmpty() ? 0 : ends.get(stage.index() - 1);
      var name = name(whole, stage.index());
      pieces.add(cutter.build(name, from, ends.get(stage.index())));
      stages.add(
          new Stage(
              stage.index(),
              stage.device(),
              name,
              Optional.empty(),
              stage.attributes(),
              stage.origin()));
    }
    return module.withFunctions(replaced(module, whole, pieces)).withPlan(plan.withStages(stages));
  }

  /**
   * Whether the module is cut as its plan says already: every stage runs a function of its own, all
   * of it, and takes the tensors that the one before it gives.
   */
  public static boolean isApplied(Module module, Plan plan) {
    if (plan.stages().isEmpty() || plan.stages().stream().anyMatch(s -> s.through().isPresent())) {
      return false;
    }
    var names = plan.stages().stream().map(Stage::function).distinct().toList();
    if (names.size() < plan.stages().size() || !module.functions().keySet().containsAll(names)) {
      return false;
    }
    for (int i = 1; i < names.size(); i++) {
      var given = tensors(module.function(names.get(i - 1)).resultTypes());
      var taken =
          tensors(module.function(names.get(i)).params().stream().map(Param::type).toList());
      // Before what crosses, a stage may take the ids.
      int own = taken.size() - given.size();
      if (own < 0 || !taken.subList(own, taken.size()).equals(given)) {
        return false;
      }
    }
    return names.size() > 1 || !names.getFirst().equals(Planner.FUNCTION);
  }

  private static List<Type> tensors(List<Type> types) {
    return types.stream().filter(Type.Tensor.class::isInstance).toList();
  }

  /** The name of the function of a stage of {@code whole}. */
  public static String name(Function whole, int stage) {
    return whole.name() + ".s" + stage;
  }

  private static Map<String, Function> replaced(
      Module module, Function whole, List<Function> pieces) {
    var functions = new LinkedHashMap<String, Function>();
    for (var function : module.functions().values()) {
      if (function.name().equals(whole.name())) {
        pieces.forEach(piece -> functions.put(piece.name(), piece));
      } else {
        functions.put(function.name(), function);
      }
    }
    return functions;
  }
}
