package org.fusionc.ir;

import org.jspecify.annotations.Nullable;

/** The parameter of a function at {@code index}, from 0. Functions may share parameter objects. */
public record Param(int index, Type type) implements Value {
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
