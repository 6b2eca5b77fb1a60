package org.fusionc.ir.interpret;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;

/** A function with its weights decoded and the state of its KV caches. */
final class InterpretedFunction implements Executable {
  private final Program program;
  private final Weights weights;

  /** The states, in the order of the state parameters and of the state results. */
  private List<KvCache> states = new ArrayList<>();

  InterpretedFunction(
      Module module, Function function, WeightLoader loader, Backend.Options options) {
    var given = function.params().stream().map(p -> p.type()).filter(Type::isState).toList();
    var returned = function.resultTypes().stream().filter(Type::isState).toList();
    if (!given.equals(returned)) {
      throw Diagnostic.invalid(
              function.notes().location(function.params().getFirst()),
              "%s takes the states %s but returns %s".formatted(function, given, returned),
              "return each state, in the order of the parameters")
          .exception();
    }
    weights = new Weights(module, loader, function);
    program = new Program(function, weights);
    for (var type : given) {
      states.add(KvCache.empty((Type.Kv) type, options.pageTokens(), options.pages()));
    }
  }

  @Override
  public List<Tensor> run(Batch batch, List<Tensor> inputs) {
    var data = new ArrayList<Datum>();
    int state = 0;
    int input = 0;
    for (var param : program.function().params()) {
      data.add(
          switch (param.type()) {
            case Type.Kv kv -> states.get(state++);
            case Type.Batch at -> new Datum.Ragged(batch);
            default -> {
              if (input == inputs.size()) {
                throw new IllegalArgumentException(
                    inputs.size() + " tensors are too few for " + program.function());
              }
              yield Datum.of(inputs.get(input++));
            }
          });
    }
    var tensors = new ArrayList<Tensor>();
    var next = new ArrayList<KvCache>();
    for (var result : program.run(data, Map.of())) {
      if (result instanceof KvCache cache) {
        next.add(cache);
      } else {
        tensors.add(Interpreter.tensor(result));
      }
    }
    states = next;
    return tensors;
  }

  @Override
  public long bytes() {
    return weights.bytes() + program.bytes() + states.stream().mapToLong(KvCache::bytes).sum();
  }

  @Override
  public void close() {
    states = new ArrayList<>();
  }
}
