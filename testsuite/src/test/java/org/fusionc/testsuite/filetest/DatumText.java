package org.fusionc.testsuite.filetest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.KvCache;

/**
 * Values as file tests write them: {@code f32[2, 2] [1.0, 2.0, 3.0, 4.0]}; {@code batch sequences
 * [0, 0, 1] positions [0, 1, 0] outputs [1, 2]}; {@code empty} for a KV cache.
 */
final class DatumText {
  private static final Pattern TENSOR = Pattern.compile("(\\w+)\\[([^]]*)] \\[([^]]*)]");
  private static final Pattern BATCH =
      Pattern.compile("batch sequences \\[([^]]*)] positions \\[([^]]*)] outputs \\[([^]]*)]");
  private static final Pattern NUMBER = Pattern.compile("-?\\d+\\.\\d+(e-?\\d+)?|-?\\d+e-?\\d+");
  private static final int PAGES = 4;
  private static final int PAGE_TOKENS = 4;

  private DatumText() {}

  static Datum read(String text, Type type) {
    if (type instanceof Type.Kv kv && text.equals("empty")) {
      return KvCache.empty(kv, PAGE_TOKENS, PAGES * PAGES);
    }
    var batch = BATCH.matcher(text);
    if (batch.matches()) {
      var sequence = integers(batch.group(1));
      int rows = Arrays.stream(sequence).max().orElse(-1) + 1;
      var pages = new ArrayList<int[]>();
      for (int row = 0; row < rows; row++) {
        int first = row * PAGES;
        pages.add(IntStream.range(first, first + PAGES).toArray());
      }
      return Datum.of(
          new Batch(sequence, integers(batch.group(2)), integers(batch.group(3)), pages));
    }
    var tensor = TENSOR.matcher(text);
    if (!tensor.matches()) {
      throw new AssertionError("'" + text + "' is no value; write for example f32[2] [1.0, 2.0]");
    }
    var dtype = DType.scalar(tensor.group(1)).orElseThrow();
    var array = new Array(dtype, integers(tensor.group(2)));
    var elements = words(tensor.group(3));
    if (elements.size() != array.size()) {
      throw new AssertionError(elements.size() + " elements are given for " + array);
    }
    for (int i = 0; i < array.size(); i++) {
      if (array.isReal()) {
        array.set(i, number(elements.get(i)));
      } else {
        array.set(i, Long.parseLong(elements.get(i)));
      }
    }
    return array;
  }

  private static double number(String text) {
    return switch (text) {
      case "nan" -> Double.NaN;
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(text);
    };
  }

  static String write(Datum datum) {
    if (!(datum instanceof Array array)) {
      return datum instanceof KvCache cache ? cache.type().toString() : datum.toString();
    }
    return array
        + IntStream.range(0, array.size())
            .mapToObj(i -> element(array, i))
            .collect(Collectors.joining(", ", " [", "]"));
  }

  private static String element(Array array, int i) {
    if (!array.isReal()) {
      return array.dtype() == Scalar.U64
          ? Long.toUnsignedString(array.integer(i))
          : Long.toString(array.integer(i));
    }
    double value = array.real(i);
    if (array.dtype() == Scalar.F64 || !Double.isFinite(value)) {
      return Spelling.number(value);
    }
    // As short as the precision of f32 allows.
    return Spelling.number(Double.parseDouble(Float.toString((float) value)));
  }

  private static int[] integers(String text) {
    return words(text).stream().mapToInt(Integer::parseInt).toArray();
  }

  private static List<String> words(String text) {
    return text.isBlank() ? List.of() : Arrays.stream(text.split(",")).map(String::strip).toList();
  }

  /** Whether two outcomes are equal but for the last digits of numbers. */
  static boolean agree(String expected, String actual) {
    var x = NUMBER.matcher(expected);
    var y = NUMBER.matcher(actual);
    if (!x.replaceAll("#").equals(y.replaceAll("#"))) {
      return false;
    }
    x.reset();
    y.reset();
    while (x.find() && y.find()) {
      double a = Double.parseDouble(x.group());
      double b = Double.parseDouble(y.group());
      if (Math.abs(a - b) > 1e-6 * Math.max(1e-3, Math.abs(a))) {
        return false;
      }
    }
    return true;
  }
}
