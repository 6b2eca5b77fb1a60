package org.fusionc.ir.plan;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * A number with its unit, such as {@code 10GiB}. The unit stays as it was written: {@code 1024MiB}
 * and {@code 1GiB} have the same {@link #base} and are not equal, so that text is given back as it
 * came.
 *
 * @param amount finite
 */
public record Quantity(double amount, Unit unit) implements PlanValue {
  private static final Pattern FORM =
      Pattern.compile("([-+]?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?) ?([A-Za-zµ][A-Za-zµ/]*)?");

  /** Four digits: enough to compare plans by eye, few enough to read. */
  private static final MathContext READABLE = new MathContext(4, RoundingMode.HALF_EVEN);

  public Quantity {
    if (!Double.isFinite(amount)) {
      throw new IllegalArgumentException("a quantity must be finite: " + amount);
    }
  }

  /** The value in the dimension's base unit: bytes, bytes/s, FLOP/s, seconds … */
  public double base() {
    return amount * unit.size();
  }

  public Unit.Dimension dimension() {
    return unit.dimension();
  }

  /**
   * A computed value in the unit that a person would choose, rounded to four digits.
   *
   * @param base in the dimension's base unit
   */
  public static Quantity readable(double base, Unit.Dimension dimension) {
    var best = unitFor(base, dimension);
    var amount = round(base / best.size());
    // Rounding may have reached the next unit: 1023.99KiB is 1024KiB, better said as 1MiB.
    var next = unitFor(amount * best.size(), dimension);
    return new Quantity(round(amount * best.size() / next.size()), next);
  }

  private static double round(double value) {
    // Digits before the point are kept (1023MiB), those after it only as far as they help.
    var exact = new BigDecimal(value);
    return Math.abs(value) >= 1000
        ? exact.setScale(0, RoundingMode.HALF_EVEN).doubleValue()
        : exact.round(READABLE).doubleValue();
  }

  private static Unit unitFor(double base, Unit.Dimension dimension) {
    var preferred =
        switch (dimension) {
          case BYTES -> List.of(Unit.BYTE, Unit.KIBIBYTE, Unit.MEBIBYTE, Unit.GIBIBYTE);
          case BYTES_PER_SECOND ->
              List.of(
                  Unit.BYTE_PER_SECOND,
                  Unit.KILOBYTE_PER_SECOND,
                  Unit.MEGABYTE_PER_SECOND,
                  Unit.GIGABYTE_PER_SECOND,
                  Unit.TERABYTE_PER_SECOND);
          case OPERATIONS_PER_SECOND ->
              List.of(
                  Unit.FLOP_PER_SECOND,
                  Unit.MEGAFLOP_PER_SECOND,
                  Unit.GIGAFLOP_PER_SECOND,
                  Unit.TERAFLOP_PER_SECOND);
          case SECONDS -> List.of(Unit.NANOSECOND, Unit.MICROSECOND, Unit.MILLISECOND, Unit.SECOND);
          case SECONDS_PER_TOKEN ->
              List.of(
                  Unit.NANOSECOND_PER_TOKEN,
                  Unit.MICROSECOND_PER_TOKEN,
                  Unit.MILLISECOND_PER_TOKEN,
                  Unit.SECOND_PER_TOKEN);
          case BYTES_PER_TOKEN ->
              List.of(Unit.BYTE_PER_TOKEN, Unit.KIBIBYTE_PER_TOKEN, Unit.MEBIBYTE_PER_TOKEN);
          case TOKENS_PER_SECOND -> List.of(Unit.TOKEN_PER_SECOND);
          case NUMBER -> List.of(Unit.NONE);
        };
    var best = preferred.getFirst();
    for (var unit : preferred) {
      if (Math.abs(base) >= unit.size()) {
        best = unit;
      }
    }
    return best;
  }

  /**
   * Reads {@code 10GiB}, {@code 940Mbit/s}, {@code 0.4ms}, {@code 1.03}; one blank before the unit
   * is allowed.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the text is no number, or its unit is
   *     unknown; names the nearest unit
   */
  public static Quantity parse(String text, Location location) {
    var matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      throw Diagnostic.invalid(
              location,
              "'" + text + "' is not a number with a unit",
              "write for example 10GiB, 760GB/s, 59.5TFLOP/s, 940Mbit/s or 0.4ms")
          .exception();
    }
    var symbol = matcher.group(2) == null ? "" : matcher.group(2);
    double amount = Double.parseDouble(matcher.group(1));
    if (!Double.isFinite(amount)) {
      throw Diagnostic.invalid(
              location, "'" + text + "' is too large a number", "write a smaller one")
          .exception();
    }
    var unit =
        Unit.ofSymbol(symbol.replace("µs", "us"))
            .orElseThrow(() ->
                Diagnostic.invalid(
                        location,
                        "unknown unit '" + symbol + "' in '" + text + "'",
                        nearestUnit(symbol, Arrays.asList(Unit.values())))
                    .exception());
    return new Quantity(amount, unit);
  }

  /**
   * Reads a quantity that must measure {@code dimension}.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException also if the unit measures something else
   */
  public static Quantity parse(String text, Unit.Dimension dimension, Location location) {
    var quantity = parse(text, location);
    if (quantity.dimension() != dimension) {
      throw Diagnostic.invalid(
              location,
              quantity.unit() == Unit.NONE
                  ? "'" + text + "' has no unit, but should be " + dimension.noun()
                  : "'"
                      + text
                      + "' is "
                      + quantity.dimension().noun()
                      + ", but should be "
                      + dimension.noun(),
              "write it like " + dimension.example())
          .exception();
    }
    return quantity;
  }

  private static String nearestUnit(String symbol, List<Unit> units) {
    // A wrong case is the usual mistake, and edit distance alone would call 'gib' near to 'B'.
    for (var unit : units) {
      if (unit.symbol().equalsIgnoreCase(symbol)) {
        return "did you mean '" + unit.symbol() + "'?";
      }
    }
    var symbols = units.stream().map(Unit::symbol).filter(s -> !s.isEmpty()).toList();
    return Suggestion.didYouMean(symbol, symbols, "known units are " + String.join(", ", symbols));
  }

  /** The shortest text that reads back as this quantity. */
  @Override
  public String toString() {
    return number(amount) + unit.symbol();
  }

  /** The shortest decimal text that reads back as {@code value}, without a trailing {@code .0}. */
  static String number(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return Long.toString((long) value);
    }
    if (Math.abs(value) >= 1e-6 && Math.abs(value) < 1e15) {
      return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
    }
    return Double.toString(value).replace("E", "e").replace(".0e", "e");
  }
}
