package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.RopeTable;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.jit.WeightPacking;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.Pages;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Iota;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.op.RopeFrequencies;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a function: numbers its values, loads its weights, evaluates its constants, asks the
 * {@link KernelTable} for each op's step, and notes how long every value lives.
 */
final class ProgramCompiler implements Wiring {
  /** What programs of one executable share: memory that lives as long, weights, caches. */
  record Shared(
      Module module,
      WeightLoader loader,
      ComputePool pool,
      Backend.Options options,
      Arena arena,
      Map<String, MemorySegment> weights,
      Map<String, List<PackedLinear>> packed,
      Map<RopeTable.Key, RopeTable> ropes,
      Tier tier,
      List<KvPages> caches) {

    /** For programs that run once, of which nothing is kept when the arena closes. */
    Shared forLoading(Arena passing) {
      return new Shared(
          module,
          loader,
          pool,
          options,
          passing,
          new HashMap<>(),
          new HashMap<>(),
          new HashMap<>(),
          tier,
          new ArrayList<>());
    }

    WeightDef definition(String symbol) {
      var definition = module.weights().get(symbol);
      if (definition == null) {
        throw new IllegalStateException("the module has no weight @" + symbol);
      }
      return definition;
    }
  }

  private final Shared shared;
  private final Function function;
  private final Map<Value, Integer> numbers = new HashMap<>();
  private final Map<Value, Integer> converted = new HashMap<>();
  private final List<Type> types = new ArrayList<>();
  private final List<MemorySegment> fixed = new ArrayList<>();
  private final List<Boolean> placed = new ArrayList<>();
  private final List<Integer> from = new ArrayList<>();
  private final List<Integer> to = new ArrayList<>();
  private final List<Integer> alias = new ArrayList<>();
  private final List<@Nullable KvPages> caches = new ArrayList<>();
  private int step;

  private ProgramCompiler(Shared shared, Function function) {
    this.shared = shared;
    this.function = function;
  }

  static Program compile(Shared shared, Function function) {
    return new ProgramCompiler(shared, function).program();
  }

  private Program program() {
    var inputs = new ArrayList<Integer>();
    Type.@Nullable Batch batch = null;
    for (Param param : function.params()) {
      int number = number(param, false, MemorySegment.NULL);
      switch (param.type()) {
        case Type.Tensor _ -> inputs.add(number);
        case Type.Batch b -> batch = b;
        case Type.Kv kv -> caches.set(number, cache(kv));
        case Type.Tuple _ -> throw new IllegalStateException("a parameter is no tuple");
      }
    }
    var steps = new ArrayList<Step>();
    for (Op op : function.body()) {
      step = steps.size();
      declare(op);
      switch (KernelTable.choose(op, shared.tier)) {
        case Choice.Kernel(_, var factory) -> steps.add(factory.wire(this));
        case Choice.None(var reason, var nearest) ->
            throw Diagnostic.invalid(
                    function.notes().location(op),
                    "the cpu backend cannot run %s%s: %s"
                        .formatted(
                            op.name(),
                            function.notes().name(op).map(n -> " (%" + n + ")").orElse(""),
                            reason),
                    "the nearest form that it runs: " + nearest)
                .exception();
      }
    }
    step = steps.size();
    var results = new ArrayList<Integer>();
    for (var result : function.results()) {
      int number = of(result);
      if (result.type() instanceof Type.Tensor) {
        results.add(number);
      }
    }
    return new Program(function.name(), steps, values(), inputs, results, batch);
  }

  private Program.Values values() {
    int count = types.size();
    var isPlaced = new boolean[count];
    for (int i = 0; i < count; i++) {
      isPlaced[i] = placed.get(i);
    }
    return new Program.Values(
        types,
        fixed.toArray(MemorySegment[]::new),
        isPlaced,
        from.stream().mapToInt(Integer::intValue).toArray(),
        to.stream().mapToInt(Integer::intValue).toArray(),
        alias.stream().mapToInt(Integer::intValue).toArray(),
        caches.toArray(KvPages[]::new));
  }

  private KvPages cache(Type.Kv kv) {
    var pages =
        CacheKernels.cache(shared.tier, shared.options.pages(), shared.options.pageTokens(), kv);
    shared.caches.add(pages);
    return pages;
  }

  private int number(Value value, boolean inArena, MemorySegment memory) {
    int number = add(value.type(), inArena, memory);
    numbers.put(value, number);
    return number;
  }

  private int add(Type type, boolean inArena, MemorySegment memory) {
    types.add(type);
    fixed.add(memory);
    placed.add(inArena);
    from.add(step);
    to.add(step);
    alias.add(types.size() - 1);
    caches.add(null);
    return types.size() - 1;
  }

  /** Gives an op's results their numbers. */
  private void declare(Op op) {
    switch (op) {
      case Constant _, Iota _, RopeFrequencies _ -> number(op, false, evaluate(op));
      case Reshape r -> {
        int source = of(r.x());
        int number = number(r, placed.get(source), fixed.get(source));
        alias.set(number, alias.get(source));
      }
      default -> {
        switch (op.type()) {
          case Type.Tuple tuple -> {
            for (int i = 0; i < tuple.parts().size(); i++) {
              number(shared.module.graph().result(op, i), true, MemorySegment.NULL);
            }
          }
          case Type.Kv _ -> {
            // The new state is the old one's memory: appending is done in place.
            int number = number(op, false, MemorySegment.NULL);
            caches.set(number, caches.get(of(op.inputs().getFirst())));
          }
          default -> number(op, true, MemorySegment.NULL);
        }
      }
    }
  }

  /** An op without operands is a constant; the interpreter says what it is. */
  private MemorySegment evaluate(Op op) {
    if (!op.tensorType().isStatic()) {
      throw Diagnostic.invalid(
              function.notes().location(op),
              "the cpu backend cannot run "
                  + op.name()
                  + " : "
                  + op.type()
                  + ": its size is not known at compile time",
              "give it a static shape and broadcast it")
          .exception();
    }
    var body = new Function("", List.of(), List.of(op), List.of(op), new org.fusionc.ir.Notes());
    var value = Interpreter.run(body, List.of()).getFirst().data();
    return copy(value);
  }

  private MemorySegment copy(MemorySegment value) {
    var own = memory(value.byteSize());
    own.copyFrom(value);
    return own;
  }

  private MemorySegment memory(long bytes) {
    if (bytes > WeightRows.PIECE && Pages.isSupported()) {
      // Zeros that are there when they are touched: what a weight is made from goes meanwhile.
      return Pages.mapLarge(bytes, shared.arena);
    }
    return shared.arena.allocate(Math.max(bytes, 1), 64).asSlice(0, bytes);
  }

  @Override
  public int of(Value value) {
    var known = numbers.get(value);
    int number;
    if (known != null) {
      number = known;
    } else if (value instanceof Weight weight) {
      number = number(weight, false, weight(weight.symbol()));
    } else {
      throw new IllegalStateException(value + " is used before it is defined");
    }
    // A use keeps alive whatever memory the value lies in.
    int owner = alias.get(number);
    to.set(owner, Math.max(to.get(owner), step));
    return number;
  }

  @Override
  public int result(Value op, int index) {
    return of(shared.module.graph().result((Op) op, index));
  }

  @Override
  public int f32(Value value) {
    if (value.tensorType().dtype() == Scalar.F32) {
      return of(value);
    }
    var known = converted.get(value);
    if (known != null) {
      return known;
    }
    var type = value.tensorType();
    var bytes = constant(value);
    int count = Math.toIntExact(type.size().value());
    var memory = shared.arena.allocate(4L * Math.max(count, 1), 64).asSlice(0, 4L * count);
    for (int i = 0; i < count; i++) {
      Scalars.set(memory, Scalar.F32, i, Scalars.get(bytes, type.dtype(), i));
    }
    int number = add(type.withDtype(Scalar.F32), false, memory);
    converted.put(value, number);
    return number;
  }

  @Override
  public int f32OrNone(@Nullable Value value) {
    return value == null ? -1 : f32(value);
  }

  @Override
  public MemorySegment constant(Value value) {
    int number = of(value);
    if (placed.get(number) || value instanceof Param || value instanceof Result) {
      throw Diagnostic.invalid(
              function.notes().location(value),
              value + " must be known at load time",
              "split load-time values first: -p split-load-time")
          .exception();
    }
    return fixed.get(number);
  }

  @Override
  public List<PackedLinear> packed(Weight weight, Target target) {
    var known = shared.packed.get(weight.symbol());
    if (known != null) {
      return known;
    }
    var packed = new ArrayList<PackedLinear>();
    var type = weight.tensorType();
    var definition = shared.definition(weight.symbol());
    var stored = shared.loader.packed(definition);
    if (stored.isPresent() && stored.get().layout().isSame(target.layout(), type.dtype())) {
      int n = Math.toIntExact(type.dim(-2).value());
      int k = Math.toIntExact(type.dim(-1).value());
      long bytes = target.layout().matrixBytes(type.dtype(), n, k);
      for (long i = 0; i < PackedLayout.matrices(type); i++) {
        var matrix = stored.get().data().asSlice(i * bytes, bytes);
        packed.add(WeightPacking.of(matrix, type.dtype(), n, k, target));
      }
    } else {
      try (var loading = new LoadTime(shared)) {
        var rows = loading.rows(definition);
        long n = type.dim(-2).value();
        for (long i = 0; i < PackedLayout.matrices(type); i++) {
          packed.add(
              WeightPacking.pack(
                  shared.pool,
                  rows.range(i * n, n),
                  target,
                  (bytes, _) -> Pages.mapLarge(bytes, shared.arena)));
        }
      }
    }
    shared.packed.put(weight.symbol(), packed);
    return packed;
  }

  @Override
  public @Nullable PackedTable table(Value value) {
    if (!(value instanceof Weight weight) || weight.tensorType().rank() != 2) {
      return null;
    }
    var type = weight.tensorType();
    var definition = shared.definition(weight.symbol());
    var stored = shared.loader.packed(definition);
    if (stored.isPresent()) {
      return new PackedTable(stored.get().layout(), type, stored.get().data());
    }
    var target = Target.of(shared.tier).orElse(null);
    if (target == null
        || !(definition.source() instanceof WeightSource.Computed)
        || function.body().stream()
            .noneMatch(op -> LinearKernels.readsPacked(op, weight, shared.tier))) {
      return null;
    }
    return new PackedTable(target.layout(), type, packed(weight, target).getFirst().weights());
  }

  @Override
  public RopeTable ropeTable(RopeTable.Key key) {
    return shared.ropes.computeIfAbsent(key, RopeTable::new);
  }

  @Override
  public int scratch(Type type) {
    return add(type, true, MemorySegment.NULL);
  }

  /** A weight's bytes: mapped as they are stored, or computed or unpacked once. */
  private MemorySegment weight(String symbol) {
    var known = shared.weights.get(symbol);
    if (known != null) {
      return known;
    }
    var definition = shared.definition(symbol);
    MemorySegment bytes;
    if (definition.source() instanceof WeightSource.Computed
        || shared.loader.packed(definition).isPresent()) {
      try (var loading = new LoadTime(shared)) {
        var rows = loading.rows(definition);
        bytes = memory(rows.bytes(rows.rows()));
        rows.copyTo(shared.pool, bytes);
      }
    } else {
      bytes = shared.loader.load(definition).data();
    }
    shared.weights.put(symbol, bytes);
    return bytes;
  }
}
