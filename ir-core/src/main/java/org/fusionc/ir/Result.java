package org.fusionc.ir;

import org.jspecify.annotations.Nullable;

/** Result {@code index} of an op whose type is a tuple. */
public record Result(Op op, int index, Type type) implements Value {
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
