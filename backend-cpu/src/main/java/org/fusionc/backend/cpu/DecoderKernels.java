package org.fusionc.backend.cpu;

import org.fusionc.backend.cpu.jit.RowNorms;
import org.fusionc.backend.cpu.jit.RowSoftmax;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.Norms;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.AddLayerNorm;
import org.fusionc.ir.op.AddRmsNorm;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.RmsNorm;
import org.fusionc.ir.op.Softmax;
import org.jspecify.annotations.Nullable;

/** The kernels in which a decoder spends its time, wired to their ops. */
final class DecoderKernels {
  private DecoderKernels() {}

  /** A kernel whose first operand must be f32. */
  static Choice onF32(Value x, String name, Choice.Factory factory) {
    return KernelTable.f32(x) ? Choice.kernel(name, factory) : KernelTable.wants(x, "f32");
  }

  /** {@code y = linear(x, weight, bias)} in the portable tier. */
  static Step linear(Wiring w, Value input, Value matrix, @Nullable Value added, int y) {
    int x = w.of(input);
    int weight = w.of(matrix);
    int bias = w.f32OrNone(added);
    var dtype = KernelTable.dtype(matrix);
    return run ->
        org.fusionc.backend.cpu.kernel.Linear.run(
            run.pool(),
            run.data(x),
            QuantizedKernels.matrix(run, weight, dtype),
            run.dataOrNone(bias),
            run.data(y),
            run.rows(x),
            run.width(y),
            run.width(x));
  }

  /** What normalises: root mean square, or mean and variance. */
  private enum Norm {
    RMS,
    LAYER
  }

  static Choice rmsNorm(RmsNorm op, Tier tier) {
    return norm(Norm.RMS, op, op.x(), null, op.weight(), null, op.eps(), tier);
  }

  static Choice addRmsNorm(AddRmsNorm op, Tier tier) {
    return norm(Norm.RMS, op, op.x(), op.residual(), op.weight(), null, op.eps(), tier);
  }

  static Choice layerNorm(LayerNorm op, Tier tier) {
    return norm(Norm.LAYER, op, op.x(), null, op.weight(), op.bias(), op.eps(), tier);
  }

  static Choice addLayerNorm(AddLayerNorm op, Tier tier) {
    return norm(Norm.LAYER, op, op.x(), op.residual(), op.weight(), op.bias(), op.eps(), tier);
  }

  private static Choice norm(
      Norm norm,
      Op op,
      Value input,
      @Nullable Value residual,
      Value weight,
      @Nullable Value bias,
      double eps,
      Tier tier) {
    var width = weight.tensorType().dim(0);
    var target = width.isStatic() ? Target.of(tier).orElse(null) : null;
    return onF32(
        input,
        named(op.name(), target),
        w -> {
          int x = w.of(input);
          int other = residual == null ? -1 : w.of(residual);
          int scale = w.f32(weight);
          int shift = w.f32OrNone(bias);
          int sum = residual == null ? -1 : w.result(op, 0);
          int y = residual == null ? w.of(op) : w.result(op, 1);
          var kernel =
              target == null
                  ? portable(norm, eps)
                  : coded(norm, target, weight, residual != null, bias != null, eps);
          return run ->
              kernel.run(
                  run.pool(),
                  new Norms.Operands(
                      run.data(x),
                      run.dataOrNone(other),
                      run.dataOrNone(sum),
                      run.data(scale),
                      run.dataOrNone(shift),
                      run.data(y)),
                  run.rows(x),
                  run.width(x));
        });
  }

  private interface NormKernel {
    void run(ComputePool pool, Norms.Operands operands, int rows, int width);
  }

  private static NormKernel portable(Norm norm, double eps) {
    return switch (norm) {
      case RMS -> (pool, operands, rows, width) -> Norms.rms(pool, operands, rows, width, eps);
      case LAYER -> (pool, operands, rows, width) -> Norms.layer(pool, operands, rows, width, eps);
    };
  }

  private static NormKernel coded(
      Norm norm, Target target, Value weight, boolean added, boolean biased, double eps) {
    int size = Math.toIntExact(weight.tensorType().dim(0).value());
    var norms =
        switch (norm) {
          case RMS -> RowNorms.rms(target, size, eps, added);
          case LAYER -> RowNorms.layer(target, size, eps, added, biased);
        };
    return (pool, operands, rows, _) -> norms.run(pool, operands, rows);
  }

  /** The name of a kernel that computes with f32, and how its target does. */
  static String named(String name, @Nullable Target target) {
    return named(name, DType.Scalar.F32, target);
  }

  /** A kernel's name, and how its target computes with weights of a dtype. */
  static String named(String name, DType dtype, @Nullable Target target) {
    return target == null ? name : name + " [" + target.describe(dtype) + "]";
  }

  static Choice softmax(Softmax op, Tier tier) {
    int rank = op.x().tensorType().rank();
    if (op.axis() != -1 && op.axis() != rank - 1) {
      return Choice.none(
          "softmax runs over the last dimension only", "transpose the dimension to the end first");
    }
    var target = Target.of(tier).orElse(null);
    return onF32(
        op.x(),
        named("softmax", target),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          if (target != null) {
            var kernel = new RowSoftmax(target);
            return run ->
                kernel.run(run.pool(), run.data(x), run.data(y), run.rows(x), run.width(x));
          }
          return run ->
              org.fusionc.backend.cpu.kernel.Softmax.run(
                  run.pool(), run.data(x), run.data(y), run.rows(x), run.width(x));
        });
  }

  static Choice matmul(org.fusionc.ir.op.Matmul op) {
    var x = op.x().tensorType();
    var y = op.y().tensorType();
    if (!KernelTable.f32(op.x())) {
      return KernelTable.wants(op.x(), "f32");
    }
    boolean shared = y.rank() == 2;
    boolean together =
        x.rank() == y.rank()
            && x.dims().subList(0, x.rank() - 2).equals(y.dims().subList(0, y.rank() - 2));
    if (x.rank() < 2 || !(shared || together)) {
      return Choice.none(
          "matmul multiplies " + x + " by " + y + " only if their leading dimensions are equal",
          "broadcast_to the other's leading dimensions first");
    }
    return Choice.kernel(
        "matmul",
        w -> {
          int left = w.of(op.x());
          int right = w.of(op.y());
          int to = w.of(op);
          return run -> {
            var shape = run.shape(left);
            int m = Math.toIntExact(shape[shape.length - 2]);
            int k = run.width(left);
            org.fusionc.backend.cpu.kernel.Matmul.run(
                run.pool(),
                run.data(left),
                run.data(right),
                run.data(to),
                m == 0 ? 0 : run.rows(left) / m,
                m,
                k,
                run.width(right),
                shared);
          };
        });
  }
}
