package org.fusionc.ir;

/**
 * A value of the graph: an op, a projection of an op with several results, a parameter, or a
 * weight. Values are interned by {@link Graph}: within one graph, equal values are identical.
 */
public interface Value {
  Type type();

  /** The type of a value that is a tensor. */
  default Type.Tensor tensorType() {
    if (type() instanceof Type.Tensor tensor) {
      return tensor;
    }
    throw new IllegalStateException(this + " has type " + type() + ", which is no tensor");
  }
}
