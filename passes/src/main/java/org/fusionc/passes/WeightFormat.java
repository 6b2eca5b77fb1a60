package org.fusionc.passes;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/**
 * What a weight is to be stored as.
 *
 * @param dtype null to leave it as it is
 */
public record WeightFormat(@Nullable DType dtype) {
  /** As the model has it. */
  public static final WeightFormat NONE = new WeightFormat(null);

  private static final Pattern QUANTIZED = Pattern.compile("q([48])(a?)(?:<([0-9]{1,9})>)?");
  private static final int DEFAULT_GROUP = 32;
  private static final List<String> NAMES =
      List.of("q8", "q4", "q8a", "q4a", "bf16", "f16", "f32", "none");

  /**
   * Reads {@code q4}, {@code q4<64>}, {@code q8a}, {@code bf16}, {@code f16}, {@code f32} or {@code
   * none}.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is none of them
   */
  public static WeightFormat parse(String text) {
    var quantized = QUANTIZED.matcher(text);
    if (quantized.matches()) {
      int group = quantized.group(3) == null ? DEFAULT_GROUP : Integer.parseInt(quantized.group(3));
      if (!DType.Quantized.GROUPS.contains(group)) {
        throw Diagnostic.usage(
                "'%s' has groups of %d".formatted(text, group), "groups have 32, 64 or 128")
            .exception();
      }
      int width = Integer.parseInt(quantized.group(1));
      return new WeightFormat(new DType.Quantized(width, group, !quantized.group(2).isEmpty()));
    }
    return switch (text) {
      case "bf16" -> new WeightFormat(DType.Scalar.BF16);
      case "f16" -> new WeightFormat(DType.Scalar.F16);
      case "f32" -> new WeightFormat(DType.Scalar.F32);
      case "none" -> NONE;
      default ->
          throw Diagnostic.usage(
                  "there is no weight format '" + text + "'",
                  Suggestion.didYouMean(text, NAMES, "there are " + String.join(", ", NAMES))
                      + "; a group size is written as in q4<64>")
              .exception();
    };
  }

  /** What a weight of this format is called after its source: {@code q4}, {@code bf16}. */
  String suffix() {
    return Stream.of(toString().split("<")).findFirst().orElseThrow();
  }

  @Override
  public String toString() {
    return dtype == null ? "none" : dtype.toString();
  }
}
