package org.fusionc.ir;

import org.jspecify.annotations.Nullable;

/** A reference to a weight of the module: {@code @layers.0.wq}. */
public record Weight(String symbol, Type type) implements Value {
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
