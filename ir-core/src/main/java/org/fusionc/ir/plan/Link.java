package org.fusionc.ir.plan;

import org.fusionc.ir.diagnostic.Spelling;

/**
 * {@code link @desk <-> @attic { bandwidth = 940Mbit/s, latency = 0.4ms }}, or with {@code ->} for
 * one direction only. {@code link default { … }} says what holds between machines for which no link
 * is stated.
 *
 * @param from a machine's name, without the {@code @}; empty for the default
 * @param to another machine's; empty for the default
 * @param both whether it holds in both directions, each with the full bandwidth
 */
public record Link(String from, String to, boolean both, Attributes attributes, Origin origin) {

  /** The line {@code link default { … }}. */
  public static Link byDefault(Attributes attributes, Origin origin) {
    return new Link("", "", true, attributes, origin);
  }

  public boolean isDefault() {
    return from.isEmpty();
  }

  /** What it connects, for messages: {@code link @desk <-> @attic}. */
  public String title() {
    return isDefault()
        ? "link default"
        : "link " + Spelling.symbol(from) + (both ? " <-> " : " -> ") + Spelling.symbol(to);
  }

  @Override
  public String toString() {
    return PlanPrinter.line(title(), attributes);
  }
}
