package org.fusionc.ir;

/** What passes may assume of an op; the op table names these. */
public final class Trait {
  private Trait() {}

  /** Each element of the result depends on the elements at its (broadcast) place only. */
  public interface Elementwise extends Op {}

  /**
   * Row t of the result depends on row t of the first operand, and on no other of its rows; the
   * remaining operands have no row dimension. Then f(select(x)) = select(f(x)).
   */
  public interface Rowwise extends Op {}

  /** The two operands may be exchanged. */
  public interface Commutative extends Op {}

  /** Moves or renames elements without computing. */
  public interface Layout extends Op {}

  /** Reads or writes a state value. */
  public interface Stateful extends Op {}
}
