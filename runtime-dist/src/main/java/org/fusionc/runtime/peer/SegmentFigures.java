package org.fusionc.runtime.peer;

import org.fusionc.ir.Type;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.runtime.stage.StageProgram;

/**
 * The memory that a segment will take, known before any weight is here.
 *
 * @param weights those that the kernels read, mapped or computed, in bytes
 * @param cache the pages of all runs together, in bytes
 * @param activations as the plan says, in bytes
 */
record SegmentFigures(long weights, long cache, long activations) {
  static SegmentFigures of(StageProgram program, Plan plan, long positions) {
    var function = program.module().function(program.function());
    long weights = 0;
    for (var weight : Reachable.weights(function)) {
      weights += bytes(weight.tensorType());
    }
    long cache = 0;
    for (var param : function.params()) {
      if (param.type() instanceof Type.Kv kv) {
        double row = kv.heads() * (kv.keyDim() + kv.valueDim()) * kv.dtype().bits() / 8;
        cache += (long) (row * positions);
      }
    }
    var stage =
        plan.stages().stream().filter(s -> s.index() == program.stage()).findFirst().orElseThrow();
    double activations = stage.attributes().quantity("activations").map(q -> q.base()).orElse(0.0);
    return new SegmentFigures(weights, cache, (long) activations);
  }

  private static long bytes(Type.Tensor type) {
    double elements = 1;
    for (var dim : type.dims()) {
      elements *= dim.value();
    }
    return (long) (elements * type.dtype().bits() / 8);
  }

  long total() {
    return weights + cache + activations;
  }

  @Override
  public String toString() {
    return "weights %s, KV cache %s, activations %s"
        .formatted(
            MemoryBudget.text(weights), MemoryBudget.text(cache), MemoryBudget.text(activations));
  }
}
