package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.Pages;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * A compiled function: steps over numbered values. Shapes follow from the batch; the layout of the
 * arena is planned once per combination of symbolic dimensions and kept.
 */
final class Program {
  /** Layouts kept; a decode whose batch grows and shrinks comes back to the same few. */
  private static final int KEPT_LAYOUTS = 64;

  /** Arenas beyond it are in large pages: a first prefill touches all of it, fault by fault. */
  private static final long LARGE = 4 << 20;

  /** A layout with the segments that it gives each value. */
  private record Prepared(Layout layout, MemorySegment[] data) {}

  /**
   * The values of a function, numbered, as {@link ProgramCompiler} collects them; all are by
   * number.
   *
   * @param types of tensors, batches and caches
   * @param fixed the memory of weights and constants; empty for the others
   * @param placed whether a value has, or shares, a place in the arena
   * @param from the step that defines it
   * @param to the last step that reads it, or what lies in its memory
   * @param alias the value whose memory it lies in; itself if it has its own
   * @param caches the states that there are
   */
  record Values(
      List<Type> types,
      MemorySegment[] fixed,
      boolean[] placed,
      int[] from,
      int[] to,
      int[] alias,
      @Nullable KvPages[] caches) {}

  private final String name;
  private final List<Step> steps;
  private final Values values;
  private final List<Integer> inputs;
  private final List<Integer> results;
  private final Type.@Nullable Batch batchType;
  private final Map<Map<String, Long>, Prepared> prepared =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Map<String, Long>, Prepared> eldest) {
          return size() > KEPT_LAYOUTS;
        }
      };

  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  Program(
      String name,
      List<Step> steps,
      Values values,
      List<Integer> inputs,
      List<Integer> results,
      Type.@Nullable Batch batchType) {
    this.name = name;
    this.steps = List.copyOf(steps);
    this.values = values;
    this.inputs = List.copyOf(inputs);
    this.results = List.copyOf(results);
    this.batchType = batchType;
  }

  /** Runs the steps; the results are valid until the next run. */
  List<Tensor> run(ComputePool pool, @Nullable Batch batch, List<Tensor> given) {
    var symbols = bind(batch, given);
    var ready = prepare(symbols);
    for (int i = 0; i < inputs.size(); i++) {
      ready.data[inputs.get(i)] = given.get(i).data();
    }
    for (int i = 0; i < ready.data.length; i++) {
      // What is another name of an input or a constant lies where that lies.
      if (!values.placed[i] && values.alias[i] != i) {
        ready.data[i] = ready.data[values.alias[i]];
      }
    }
    var run = new Run(pool, ready.layout, ready.data, values.caches, batch);
    for (var step : steps) {
      step.run(run);
    }
    var out = new ArrayList<Tensor>();
    for (int result : results) {
      var type = (Type.Tensor) values.types.get(result);
      var shape = new ArrayList<Long>();
      for (long dim : ready.layout.shape(result)) {
        shape.add(dim);
      }
      out.add(new Tensor(type.dtype(), shape, ready.data[result]));
    }
    return out;
  }

  /** The values of the symbolic dimensions, from the batch and the inputs' shapes. */
  private Map<String, Long> bind(@Nullable Batch batch, List<Tensor> given) {
    if (given.size() != inputs.size()) {
      throw mismatch(given.size() + " tensors are given for " + inputs.size());
    }
    var symbols = new HashMap<String, Long>();
    if (batchType != null && batch != null) {
      bindDim(symbols, batchType.tokens().toString(), batch.tokens());
      bindDim(symbols, batchType.outputs().toString(), batch.outputs().length);
    }
    for (int i = 0; i < inputs.size(); i++) {
      var type = (Type.Tensor) values.types.get(inputs.get(i));
      var tensor = given.get(i);
      if (!type.dtype().equals(tensor.dtype()) || type.rank() != tensor.shape().size()) {
        throw mismatch("input " + i + " is " + tensor.type() + " but must be " + type);
      }
      for (int d = 0; d < type.rank(); d++) {
        var dim = type.dim(d);
        long actual = tensor.shape().get(d);
        if (dim.isStatic() ? dim.value() != actual : !bindDim(symbols, dim.toString(), actual)) {
          throw mismatch("input " + i + " is " + tensor.type() + " but must be " + type);
        }
      }
    }
    return symbols;
  }

  private static boolean bindDim(Map<String, Long> symbols, String symbol, long value) {
    var known = symbols.putIfAbsent(symbol, value);
    return known == null || known == value;
  }

  private RuntimeException mismatch(String message) {
    return Diagnostic.failed(
            Location.named("@" + name), message, "the stages come from different plans")
        .exception();
  }

  private Prepared prepare(Map<String, Long> symbols) {
    var known = prepared.get(symbols);
    if (known != null) {
      return known;
    }
    var layout =
        new Layout(values.types, values.placed, values.from, values.to, values.alias, symbols);
    if (layout.arenaBytes() > memory.byteSize()) {
      prepared.clear();
      // Kernels work on bare addresses: if there is no memory now, none must be left that was
      // freed.
      memory = MemorySegment.NULL;
      arena.close();
      arena = Arena.ofShared();
      memory = allocate(layout.arenaBytes());
    }
    var data = values.fixed.clone();
    for (int i = 0; i < data.length; i++) {
      if (layout.offset(i) >= 0) {
        var dtype = ((Type.Tensor) values.types.get(i)).dtype();
        data[i] = memory.asSlice(layout.offset(i), QuantizedKernels.bytes(dtype, layout.shape(i)));
      }
    }
    var ready = new Prepared(layout, data);
    prepared.put(symbols, ready);
    return ready;
  }

  private MemorySegment allocate(long bytes) {
    return bytes > LARGE && Pages.isSupported()
        ? Pages.mapLarge(bytes, arena)
        : arena.allocate(bytes, 64);
  }

  long bytes() {
    return memory.byteSize();
  }

  void close() {
    arena.close();
  }
}
