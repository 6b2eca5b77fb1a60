package org.fusionc.partitioner.cost;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.Param;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.Weight;

/**
 * The chain of a function's steps. A cut where a state would be split, between a cache's append and
 * the attention that reads it, crosses infinitely many bytes.
 */
public final class FunctionChain implements Chain {
  private final Liveness liveness;
  private final ValueNames names;
  private final Optional<Type.Batch> batch;
  private final List<List<Held>> weights = new ArrayList<>();
  private final double[] kvBytes;
  private final Map<Step, StepWork> works = new HashMap<>();

  public FunctionChain(Function function) {
    this(new Liveness(function));
  }

  public FunctionChain(Liveness liveness) {
    this.liveness = liveness;
    names = ValueNames.of(liveness.function());
    batch =
        liveness.function().params().stream()
            .map(Param::type)
            .filter(Type.Batch.class::isInstance)
            .map(Type.Batch.class::cast)
            .findFirst();
    var sizes = new OpWork(Step.decode(1, 1), batch);
    for (var op : liveness.steps()) {
      var held = new ArrayList<Held>();
      for (var input : new LinkedHashSet<>(op.inputs())) {
        if (isHeld(input)) {
          held.add(new Held(input, sizes.size(input.type())));
        }
      }
      weights.add(held);
    }
    kvBytes = new double[liveness.size()];
    liveness
        .stateSpans()
        .forEach((param, span) -> {
          if (param.type() instanceof Type.Kv kv) {
            kvBytes[span[0]] += OpWork.tokenBytes(kv);
          }
        });
  }

  /** A weight, or what is computed from weights alone when the model is loaded. */
  private boolean isHeld(Value value) {
    return value instanceof Weight
        || Liveness.producer(value).filter(op -> liveness.position(op).isEmpty()).isPresent();
  }

  public Liveness liveness() {
    return liveness;
  }

  @Override
  public int size() {
    return liveness.size();
  }

  @Override
  public String name(int op) {
    return names.results(liveness.steps().get(op)).getFirst();
  }

  @Override
  public List<Held> weights(int op) {
    return weights.get(op);
  }

  @Override
  public double kvBytesPerToken(int op) {
    return kvBytes[op];
  }

  @Override
  public String dtype(int op) {
    return OpWork.dtype(liveness.steps().get(op));
  }

  @Override
  public StepWork work(Step step) {
    return works.computeIfAbsent(step, this::compute);
  }

  private StepWork compute(Step step) {
    var work = new OpWork(step, batch);
    int size = liveness.size();
    var flops = new double[size];
    var bytes = new double[size];
    for (int i = 0; i < size; i++) {
      var op = liveness.steps().get(i);
      flops[i] = work.flops(op);
      bytes[i] = work.bytes(op);
    }
    // Differences first, then their running sum: a value counts from after its step to its last
    // use.
    var crossing = new double[size + 2];
    var live = new double[size + 1];
    liveness
        .lastUses()
        .forEach((value, last) -> {
          int defined = Liveness.producer(value).flatMap(liveness::position).orElseThrow();
          double valueBytes = work.size(value.type());
          crossing[defined + 1] += valueBytes;
          crossing[last + 1] -= valueBytes;
          live[defined] += valueBytes;
          live[Math.min(last + 1, size)] -= valueBytes;
        });
    for (int i = 1; i < crossing.length; i++) {
      crossing[i] += crossing[i - 1];
      if (i < live.length) {
        live[i] += live[i - 1];
      }
    }
    var cuts = java.util.Arrays.copyOf(crossing, size + 1);
    cuts[size] = 0;
    for (var span : liveness.stateSpans().values()) {
      for (int i = span[0] + 1; i <= span[1]; i++) {
        cuts[i] = Double.POSITIVE_INFINITY;
      }
    }
    return new StepWork(flops, bytes, cuts, java.util.Arrays.copyOf(live, size));
  }
}
