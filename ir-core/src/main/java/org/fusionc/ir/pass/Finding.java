package org.fusionc.ir.pass;

import org.fusionc.ir.diagnostic.Location;

/**
 * Something that a pass did, or nearly did: what {@code fusionc explain} prints.
 *
 * @param pass the pass's name
 * @param rule the rule's name; the pass's where it has but one
 * @param function the function's name, without the {@code @}
 * @param op the name of the op concerned
 * @param value the op's value as the text names it, with its {@code %} or {@code @}
 * @param location where the op came from
 * @param note what was done, if that is not clear from the rule; for what nearly fired, why not
 */
public record Finding(
    Kind kind,
    String pass,
    String rule,
    String function,
    String op,
    String value,
    Location location,
    String note) {
  /** Whether it happened. */
  public enum Kind {
    FIRED,
    NEARLY
  }

  /** One line: {@code fuse-swiglu: %h (mul) in @decode: not fused: …}. */
  @Override
  public String toString() {
    var text = new StringBuilder(rule).append(": ").append(value);
    text.append(" (").append(op).append(") in @").append(function);
    if (kind == Kind.NEARLY) {
      text.append(" not rewritten");
    }
    if (!note.isEmpty()) {
      text.append(": ").append(note);
    }
    return location.isKnown() ? text + " [" + location + "]" : text.toString();
  }
}
