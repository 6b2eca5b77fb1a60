package org.fusionc.broker.state;

/**
 * What was asked for when a model was deployed.
 *
 * @param objective latency or throughput
 * @param context positions per session
 * @param sessions at once
 * @param encode wire format of all edges
 * @param stages exactly so many; 0 for as many as is best
 * @param given whether the plan was given, so that it is not to be replaced
 */
public record Wish(
    String objective, int context, int sessions, String encode, int stages, boolean given) {
  /** Whether another plan may cut elsewhere without changing what is computed. */
  public boolean exact() {
    return encode.equals("f32");
  }
}
