package org.fusionc.ir.plan;

/**
 * {@code link @desk <-> @attic { bandwidth = 940Mbit/s, latency = 0.4ms }}, or with {@code ->} for
 * one direction only.
 *
 * @param from a machine's name, without the {@code @}
 * @param to another machine's
 * @param both whether it holds in both directions, each with the full bandwidth
 */
public record Link(String from, String to, boolean both, Attributes attributes, Origin origin) {
  @Override
  public String toString() {
    return PlanPrinter.line("link @" + from + (both ? " <-> @" : " -> @") + to, attributes);
  }
}
