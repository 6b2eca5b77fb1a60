package org.fusionc.partitioner;

import java.util.Arrays;
import java.util.Locale;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.PlanValue;

/** How an edge's tensors travel: the {@code encode} of a plan's edge. */
public enum WireFormat {
  F32(4),
  F16(2),
  BF16(2),
  /** Blocks of 32 bytes with an f16 scale each. */
  Q8(34.0 / 32);

  private final double bytesPerElement;

  WireFormat(double bytesPerElement) {
    this.bytesPerElement = bytesPerElement;
  }

  /** Bytes on the wire for each byte of an f32 tensor. */
  double ratio() {
    return bytesPerElement / 4;
  }

  /**
   * The format that an edge states; f32 if it states none.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if what it states is none
   */
  public static WireFormat of(Edge edge) {
    var stated = edge.attributes().get("encode");
    if (stated.isEmpty()) {
      return F32;
    }
    for (var format : values()) {
      if (stated.get() instanceof PlanValue.Word(var word) && word.equals(format.toString())) {
        return format;
      }
    }
    var names = Arrays.stream(values()).map(WireFormat::toString).toList();
    throw Diagnostic.invalid(
            edge.origin().location(),
            edge.title() + ": encode is '" + stated.get() + "', which is no wire format",
            Suggestion.didYouMean(
                stated.get().toString(), names, "it may be " + String.join(", ", names)))
        .exception();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
