package org.fusionc.runtime.model;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.rewrite.Reachable;

/** Runs the load-time functions of weights ahead of time, one after the other. */
final class ComputedWeights {
  private static final Batch NOTHING = new Batch(new int[0], new int[0], new int[0], List.of());

  private final Module module;
  private final WeightLoader loader;
  private final Backend backend;
  private final Backend.Options options;

  ComputedWeights(Module module, WeightLoader loader, Backend backend, int threads) {
    this.module = module;
    this.loader = loader;
    this.backend = backend;
    this.options = new Backend.Options(threads, 1, 1);
  }

  /** A weight's tensor, while the function that made it is open. */
  record Opened(Tensor tensor, Executable executable) implements AutoCloseable {
    @Override
    public void close() {
      executable.close();
    }
  }

  /** Whether the weight is computed from stored ones, so that it pays to keep what comes out. */
  static boolean isWorthStoring(WeightDef weight) {
    return weight.source() instanceof WeightSource.Computed(var function)
        && !Reachable.weights(function).isEmpty();
  }

  /** Runs the weight's function. */
  Opened open(WeightDef weight) {
    if (!(weight.source() instanceof WeightSource.Computed(var body))) {
      throw new IllegalArgumentException("@" + weight.symbol() + " is not computed");
    }
    var name = "load." + weight.symbol();
    var alone = module.withFunctions(new LinkedHashMap<>()).withFunction(body.withName(name));
    var executable = backend.compile(backend.legalize(alone, name), name, loader, options);
    try {
      var tensor = executable.run(NOTHING, List.of()).getFirst();
      if (!tensor.type().equals(weight.type())) {
        throw Diagnostic.failed(
                Location.named("@" + weight.symbol()),
                "what was computed is %s, not %s".formatted(tensor.type(), weight.type()),
                "this is an error in the backend " + backend.name())
            .exception();
      }
      return new Opened(tensor, executable);
    } catch (RuntimeException | Error failure) {
      executable.close();
      throw failure;
    }
  }

  /** The symbols that are read when those that are worth storing are stored. */
  static Set<String> read(Module module) {
    var read = new LinkedHashSet<String>();
    var todo = new LinkedHashSet<Function>(module.functions().values());
    while (!todo.isEmpty()) {
      for (Weight weight : Reachable.weights(todo.removeFirst())) {
        var definition = module.weights().get(weight.symbol());
        if (read.add(weight.symbol())
            && definition != null
            && definition.source() instanceof WeightSource.Computed(var function)
            && !isWorthStoring(definition)) {
          todo.add(function);
        }
      }
    }
    return read;
  }
}
