package org.fusionc.ir;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** An element type: a scalar, or a quantised type with its group layout. */
public sealed interface DType {

  /**
   * What an element takes in memory, in bits, group scales included (rounded up to whole groups
   * elsewhere).
   */
  double bits();

  /** The scalar types; the text is the name in lower case. */
  enum Scalar implements DType {
    F64(64, Kind.FLOAT),
    F32(32, Kind.FLOAT),
    F16(16, Kind.FLOAT),
    BF16(16, Kind.FLOAT),
    F8E4M3(8, Kind.FLOAT),
    F8E5M2(8, Kind.FLOAT),
    I64(64, Kind.INT),
    I32(32, Kind.INT),
    I16(16, Kind.INT),
    I8(8, Kind.INT),
    I4(4, Kind.INT),
    U64(64, Kind.INT),
    U32(32, Kind.INT),
    U16(16, Kind.INT),
    U8(8, Kind.INT),
    U4(4, Kind.INT),
    BOOL(8, Kind.BOOL);

    /** The families that op signatures speak of. */
    public enum Kind {
      FLOAT,
      INT,
      BOOL
    }

    /** All scalar types by their text. */
    public static final Map<String, Scalar> BY_NAME =
        Stream.of(values()).collect(Collectors.toMap(Scalar::toString, Function.identity()));

    private final int bits;
    private final Kind kind;

    Scalar(int bits, Kind kind) {
      this.bits = bits;
      this.kind = kind;
    }

    public Kind kind() {
      return kind;
    }

    @Override
    public double bits() {
      return bits;
    }

    /** Bytes of one element; sub-byte types have none. */
    public int bytes() {
      if (bits < 8) {
        throw new IllegalStateException(this + " has no whole number of bytes");
      }
      return bits / 8;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Integers of {@code width} bits in groups of {@code group} along the last dimension, each group
   * with an f16 scale, and an f16 minimum as well if {@code asymmetric}. Text: {@code q4<32>},
   * {@code q4a<64>}.
   */
  record Quantized(int width, int group, boolean asymmetric) implements DType {
    /** The group sizes that tensors are packed with. */
    public static final Set<Integer> GROUPS = Set.of(32, 64, 128);

    /** Whether tensors of this dtype have a layout in memory; the others are names only. */
    public boolean isPacked() {
      return (width == 4 || width == 8) && GROUPS.contains(group);
    }

    @Override
    public double bits() {
      return width + (asymmetric ? 32.0 : 16.0) / group;
    }

    @Override
    public String toString() {
      return "q" + width + (asymmetric ? "a" : "") + "<" + group + ">";
    }
  }

  /** The scalar type of that name. */
  static Optional<Scalar> scalar(String name) {
    return Optional.ofNullable(Scalar.BY_NAME.get(name));
  }

  default boolean isFloat() {
    return this instanceof Scalar s && s.kind() == Scalar.Kind.FLOAT;
  }

  default boolean isInt() {
    return this instanceof Scalar s && s.kind() == Scalar.Kind.INT;
  }
}
