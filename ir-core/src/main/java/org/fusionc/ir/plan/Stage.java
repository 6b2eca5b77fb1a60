package org.fusionc.ir.plan;

import java.util.Optional;
import org.fusionc.ir.diagnostic.Spelling;

/**
 * {@code stage 0 on @desk.gpu0 runs @decode through %layers.5.out { weights = 4.1GiB }}: the device
 * runs the function's body from where the stage before it ended, up to and including the op named.
 *
 * @param index 0-based, in the order of the pipeline
 * @param device without the {@code @}
 * @param function without the {@code @}
 * @param through the last value that this stage computes, without the {@code %}; empty means to the
 *     end of the function
 * @param attributes what the planner computed: {@code weights}, {@code kv}, {@code activations},
 *     {@code decode}, {@code prefill}
 */
public record Stage(
    int index,
    String device,
    String function,
    Optional<String> through,
    Attributes attributes,
    Origin origin) {
  @Override
  public String toString() {
    return PlanPrinter.line(
        "stage "
            + index
            + " on "
            + Spelling.symbol(device)
            + " runs "
            + Spelling.symbol(function)
            + through.map(value -> " through " + Spelling.value(value)).orElse(""),
        attributes);
  }
}
