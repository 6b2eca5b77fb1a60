package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.jit.WeightPacking;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.Quantize;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.rewrite.Reachable;

/**
 * Weights as rows that are made on demand. What a load-time function does row by row, such as
 * putting weights below each other and quantising them, is done so; anything else is computed as a
 * whole, and kept until this is closed.
 */
final class LoadTime implements AutoCloseable {
  private final ProgramCompiler.Shared shared;
  private final Arena arena = Arena.ofShared();
  private final List<Program> programs = new ArrayList<>();

  LoadTime(ProgramCompiler.Shared shared) {
    this.shared = shared.forLoading(arena);
  }

  /** The rows of a weight's last dimension. */
  WeightRows rows(WeightDef weight) {
    return weight.source() instanceof WeightSource.Computed(var body)
        ? rows(body.results().getFirst())
        : stored(weight);
  }

  private WeightRows stored(WeightDef weight) {
    var packed = shared.loader().packed(weight);
    return packed.isPresent()
        ? new UnpackedRows(weight.type(), packed.get())
        : of(shared.loader().load(weight).data(), weight.type());
  }

  private static WeightRows of(MemorySegment data, Type.Tensor type) {
    int rank = type.rank();
    long columns = rank == 0 ? 1 : type.dim(-1).value();
    long rows = 1;
    for (int i = 0; i + 1 < rank; i++) {
      rows *= type.dim(i).value();
    }
    return WeightRows.of(data, type.dtype(), rows, Math.toIntExact(columns));
  }

  private WeightRows rows(Value value) {
    return switch (value) {
      case Weight weight -> rows(shared.definition(weight.symbol()));
      case Quantize(var x, var to, _) when isStoredFloat(x) -> quantized(x, (DType.Quantized) to);
      case Reshape(var x, var type)
          when x.tensorType().rank() > 0
              && type instanceof Type.Tensor tensor
              && tensor.rank() > 0
              && tensor.dim(-1).equals(x.tensorType().dim(-1)) ->
          rows(x);
      case Concat(var inputs, long axis, _)
          when (axis == 0 || axis == -value.tensorType().rank())
              && value.tensorType().rank() > 1
              && value.tensorType().dtype() instanceof DType.Scalar ->
          new JoinedRows(inputs.stream().map(this::rows).toList());
      default -> whole(value);
    };
  }

  private WeightRows quantized(Value x, DType.Quantized to) {
    var packing = WeightPacking.groups(shared.tier(), to);
    return new QuantizedWeightRows(rows(x), FloatFormat.of(scalar(x)), to, packing);
  }

  private static boolean isStoredFloat(Value x) {
    return x.tensorType().dtype() instanceof DType.Scalar scalar
        && (scalar == DType.Scalar.F32
            || scalar == DType.Scalar.F16
            || scalar == DType.Scalar.BF16);
  }

  private static DType.Scalar scalar(Value x) {
    return (DType.Scalar) x.tensorType().dtype();
  }

  private WeightRows whole(Value value) {
    var body = new ArrayList<>(Reachable.ops(List.of(value)));
    var function = new Function("load", List.of(), body, List.of(value), new Notes());
    var program = ProgramCompiler.compile(shared, function);
    programs.add(program);
    var result = program.run(shared.pool(), null, List.of()).getFirst();
    return of(result.data(), value.tensorType());
  }

  @Override
  public void close() {
    programs.forEach(Program::close);
    arena.close();
  }
}
