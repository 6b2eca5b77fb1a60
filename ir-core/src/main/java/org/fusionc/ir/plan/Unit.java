package org.fusionc.ir.plan;

import static org.fusionc.ir.plan.Unit.Dimension.*;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A unit of measure as people write it, and its size in the base unit of its dimension. */
public enum Unit {
  BYTE("B", BYTES, 1),
  KILOBYTE("kB", BYTES, 1e3),
  MEGABYTE("MB", BYTES, 1e6),
  GIGABYTE("GB", BYTES, 1e9),
  TERABYTE("TB", BYTES, 1e12),
  KIBIBYTE("KiB", BYTES, 0x1p10),
  MEBIBYTE("MiB", BYTES, 0x1p20),
  GIBIBYTE("GiB", BYTES, 0x1p30),
  TEBIBYTE("TiB", BYTES, 0x1p40),

  BYTE_PER_SECOND("B/s", BYTES_PER_SECOND, 1),
  KILOBYTE_PER_SECOND("kB/s", BYTES_PER_SECOND, 1e3),
  MEGABYTE_PER_SECOND("MB/s", BYTES_PER_SECOND, 1e6),
  GIGABYTE_PER_SECOND("GB/s", BYTES_PER_SECOND, 1e9),
  TERABYTE_PER_SECOND("TB/s", BYTES_PER_SECOND, 1e12),
  KIBIBYTE_PER_SECOND("KiB/s", BYTES_PER_SECOND, 0x1p10),
  MEBIBYTE_PER_SECOND("MiB/s", BYTES_PER_SECOND, 0x1p20),
  GIBIBYTE_PER_SECOND("GiB/s", BYTES_PER_SECOND, 0x1p30),
  TEBIBYTE_PER_SECOND("TiB/s", BYTES_PER_SECOND, 0x1p40),
  BIT_PER_SECOND("bit/s", BYTES_PER_SECOND, 1 / 8.0),
  KILOBIT_PER_SECOND("kbit/s", BYTES_PER_SECOND, 1e3 / 8),
  MEGABIT_PER_SECOND("Mbit/s", BYTES_PER_SECOND, 1e6 / 8),
  GIGABIT_PER_SECOND("Gbit/s", BYTES_PER_SECOND, 1e9 / 8),
  TERABIT_PER_SECOND("Tbit/s", BYTES_PER_SECOND, 1e12 / 8),

  FLOP_PER_SECOND("FLOP/s", OPERATIONS_PER_SECOND, 1),
  MEGAFLOP_PER_SECOND("MFLOP/s", OPERATIONS_PER_SECOND, 1e6),
  GIGAFLOP_PER_SECOND("GFLOP/s", OPERATIONS_PER_SECOND, 1e9),
  TERAFLOP_PER_SECOND("TFLOP/s", OPERATIONS_PER_SECOND, 1e12),
  PETAFLOP_PER_SECOND("PFLOP/s", OPERATIONS_PER_SECOND, 1e15),
  GIGAOP_PER_SECOND("GOP/s", OPERATIONS_PER_SECOND, 1e9),
  TERAOP_PER_SECOND("TOP/s", OPERATIONS_PER_SECOND, 1e12),
  PETAOP_PER_SECOND("POP/s", OPERATIONS_PER_SECOND, 1e15),

  SECOND("s", SECONDS, 1),
  MILLISECOND("ms", SECONDS, 1e-3),
  MICROSECOND("us", SECONDS, 1e-6),
  NANOSECOND("ns", SECONDS, 1e-9),

  SECOND_PER_TOKEN("s/tok", SECONDS_PER_TOKEN, 1),
  MILLISECOND_PER_TOKEN("ms/tok", SECONDS_PER_TOKEN, 1e-3),
  MICROSECOND_PER_TOKEN("us/tok", SECONDS_PER_TOKEN, 1e-6),
  NANOSECOND_PER_TOKEN("ns/tok", SECONDS_PER_TOKEN, 1e-9),

  BYTE_PER_TOKEN("B/tok", BYTES_PER_TOKEN, 1),
  KIBIBYTE_PER_TOKEN("KiB/tok", BYTES_PER_TOKEN, 0x1p10),
  MEBIBYTE_PER_TOKEN("MiB/tok", BYTES_PER_TOKEN, 0x1p20),
  GIBIBYTE_PER_TOKEN("GiB/tok", BYTES_PER_TOKEN, 0x1p30),

  TOKEN_PER_SECOND("tok/s", TOKENS_PER_SECOND, 1),

  /** A count or a ratio. */
  NONE("", NUMBER, 1);

  /** What is measured; the base unit is the one without a prefix. */
  public enum Dimension {
    BYTES("a size", "10GiB"),
    BYTES_PER_SECOND("a bandwidth", "760GB/s"),
    OPERATIONS_PER_SECOND("a computing speed", "59.5TFLOP/s"),
    SECONDS("a time", "0.4ms"),
    SECONDS_PER_TOKEN("a time per token", "2.2ms/tok"),
    BYTES_PER_TOKEN("a size per token", "2.1KiB/tok"),
    TOKENS_PER_SECOND("a speed in tokens", "18tok/s"),
    NUMBER("a plain number", "1.03");

    private final String noun;
    private final String example;

    Dimension(String noun, String example) {
      this.noun = noun;
      this.example = example;
    }

    /** What a person calls it, with its article. */
    public String noun() {
      return noun;
    }

    public String example() {
      return example;
    }
  }

  private final String symbol;
  private final Dimension dimension;
  private final double size;

  Unit(String symbol, Dimension dimension, double size) {
    this.symbol = symbol;
    this.dimension = dimension;
    this.size = size;
  }

  public String symbol() {
    return symbol;
  }

  public Dimension dimension() {
    return dimension;
  }

  /** How many base units this is: 2^30 for GiB, 0.001 for ms. */
  public double size() {
    return size;
  }

  /** The unit written so; letters' case counts, since {@code mB} and {@code MB} are far apart. */
  public static Optional<Unit> ofSymbol(String symbol) {
    return Arrays.stream(values()).filter(unit -> unit.symbol.equals(symbol)).findFirst();
  }

  /** The units of a dimension, in the order in which they are documented. */
  public static List<Unit> of(Dimension dimension) {
    return Arrays.stream(values()).filter(unit -> unit.dimension == dimension).toList();
  }
}
