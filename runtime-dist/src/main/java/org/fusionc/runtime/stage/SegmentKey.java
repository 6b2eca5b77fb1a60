package org.fusionc.runtime.stage;

import java.util.HexFormat;

/**
 * Which stage of which plan.
 *
 * @param planDigest SHA-256 of the plan's text, in hex
 */
public record SegmentKey(String deployment, String planDigest, int stage) {
  public static SegmentKey of(String deployment, byte[] planDigest, int stage) {
    return new SegmentKey(deployment, HexFormat.of().formatHex(planDigest), stage);
  }

  @Override
  public String toString() {
    var digest = planDigest.substring(0, Math.min(12, planDigest.length()));
    return "stage " + stage + " of " + deployment + " (plan " + digest + ")";
  }
}
