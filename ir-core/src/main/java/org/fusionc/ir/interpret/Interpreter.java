package org.fusionc.ir.interpret;

import java.util.List;
import java.util.Map;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/** Runs functions on values. Symbolic dimensions are learnt from the inputs' shapes. */
public final class Interpreter {
  private Interpreter() {}

  /**
   * The results of a function of the module, state included.
   *
   * @param inputs one per parameter: {@link Array}, {@link Datum.Ragged} or {@link KvCache}
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming the op that met unfit values
   */
  public static List<Datum> run(
      Module module, Function function, List<? extends Datum> inputs, WeightLoader loader) {
    return new Program(function, new Weights(module, loader, function)).run(inputs, Map.of());
  }

  /** The results of a function of tensors that uses no stored weights. */
  public static List<Tensor> run(Function function, List<Tensor> inputs) {
    return run(
            Module.empty(new Graph()),
            function,
            inputs.stream().map(t -> Datum.of(t)).toList(),
            Interpreter::none)
        .stream()
        .map(Interpreter::tensor)
        .toList();
  }

  /** A tensor's datum as a tensor. */
  static Tensor tensor(Datum datum) {
    return datum instanceof Packed packed ? packed.tensor() : ((Array) datum).toTensor();
  }

  private static Tensor none(Module.WeightDef weight) {
    throw Diagnostic.failed(
            Location.named("@" + weight.symbol()),
            "the weight is stored in a file, and there is no model directory here",
            "run the function with the model's weights")
        .exception();
  }
}
