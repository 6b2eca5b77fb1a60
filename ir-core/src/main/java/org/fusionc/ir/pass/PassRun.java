package org.fusionc.ir.pass;

import java.time.Duration;
import java.util.List;
import java.util.SortedMap;

/**
 * What one run of a pass did.
 *
 * @param pass the pass's name
 * @param time what it took, without verification
 * @param counts statistics by name: how often each rule fired, and what the pass counts itself
 * @param findings what fired and what nearly fired, in order
 */
public record PassRun(
    String pass, Duration time, SortedMap<String, Long> counts, List<Finding> findings) {
  public PassRun {
    findings = List.copyOf(findings);
  }
}
