package org.fusionc.runtime.exec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/** A stage in this process: an executable, and the names of what goes in and comes out. */
public final class LocalStage implements Stage {
  private final String name;
  private final Executable executable;
  private final List<String> inputs;
  private final Set<String> tokenInputs;
  private final List<String> outputs;

  /** Copies of results, each overwritten after as many runs as there are rows. */
  private final MemorySegment[][] kept;

  private int next;

  private LocalStage(
      String name,
      Executable executable,
      List<String> inputs,
      Set<String> tokenInputs,
      List<String> outputs,
      int runs) {
    this.kept = new MemorySegment[runs][outputs.size()];
    for (var row : kept) {
      Arrays.fill(row, MemorySegment.NULL);
    }
    this.name = name;
    this.executable = executable;
    this.inputs = inputs;
    this.tokenInputs = tokenInputs;
    this.outputs = outputs;
  }

  /**
   * The stage that runs a compiled function; its values' names are those of the function's notes.
   *
   * @param runs with which later run of the stage a result's memory is used again; 0 for the
   *     backend's own memory, if who gets a result is done with it before the next run
   */
  public static LocalStage of(Function function, Executable executable, int runs) {
    return new LocalStage(
        "@" + function.name(),
        executable,
        tensorNames(function, function.params()),
        tokenNames(function),
        tensorNames(function, function.results()),
        runs);
  }

  private static List<String> tensorNames(Function function, List<? extends Value> values) {
    var names = new ArrayList<String>();
    for (var value : values) {
      if (value.type() instanceof Type.Tensor) {
        int index = names.size();
        names.add(function.notes().name(value).orElse("value" + index));
      }
    }
    return List.copyOf(names);
  }

  /** The tensor parameters whose first dimension is the batch's tokens. */
  private static Set<String> tokenNames(Function function) {
    var tokens = new HashSet<Dim>();
    for (var param : function.params()) {
      if (param.type() instanceof Type.Batch batch) {
        tokens.add(batch.tokens());
      }
    }
    var perToken =
        function.params().stream()
            .filter(p -> p.type() instanceof Type.Tensor t && t.rank() > 0)
            .filter(p -> tokens.contains(p.tensorType().dim(0)))
            .toList();
    return Set.copyOf(tensorNames(function, perToken));
  }

  @Override
  public Set<String> tokenInputs() {
    return tokenInputs;
  }

  @Override
  public List<String> inputs() {
    return inputs;
  }

  @Override
  public List<String> outputs() {
    return outputs;
  }

  @Override
  public Frame run(Frame frame) {
    var given = new ArrayList<Tensor>();
    for (var input : inputs) {
      var tensor = frame.tensors().get(input);
      if (tensor == null) {
        throw Diagnostic.failed(
                Location.named(name),
                "a frame brings " + frame.tensors().keySet() + " but the stage needs %" + input,
                "the stages come from different plans; compile them together")
            .exception();
      }
      given.add(tensor);
    }
    var results = executable.run(frame.batch(), given);
    var tensors = new LinkedHashMap<String, Tensor>();
    for (int i = 0; i < results.size(); i++) {
      tensors.put(outputs.get(i), kept.length == 0 ? results.get(i) : keep(i, results.get(i)));
    }
    next = kept.length == 0 ? 0 : (next + 1) % kept.length;
    return new Frame(frame.sessions(), frame.batch(), tensors);
  }

  /**
   * A result is the executable's until its next run, which may come before the next stage has read
   * it. The memory of copies is used again: fresh memory costs more than the copying.
   */
  private Tensor keep(int output, Tensor tensor) {
    long bytes = tensor.data().byteSize();
    var memory = kept[next][output];
    if (memory.byteSize() < bytes) {
      memory = Arena.ofAuto().allocate(bytes, 64);
      kept[next][output] = memory;
    }
    var copy = memory.asSlice(0, bytes).copyFrom(tensor.data());
    return new Tensor(tensor.dtype(), tensor.shape(), copy);
  }

  @Override
  public long bytes() {
    return executable.bytes();
  }

  @Override
  public void close() {
    executable.close();
  }
}
