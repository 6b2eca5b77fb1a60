package org.fusionc.broker.plan;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps deployments from moving to and fro: a better plan must be there several times in a row, and
 * nothing is looked at again while what plans depend on is as it was when none was better.
 */
public final class Patience {
  private final int times;

  /** By deployment: what the cluster was like when no better plan was found. */
  private final Map<String, List<Object>> settled = new HashMap<>();

  /** By deployment: how often in a row a better plan was there. */
  private final Map<String, Integer> better = new HashMap<>();

  /**
   * @param times in a row that a better plan must be there
   */
  public Patience(int times) {
    this.times = times;
  }

  /** Forgets all other deployments. */
  public void retain(Collection<String> deployments) {
    settled.keySet().retainAll(deployments);
    better.keySet().retainAll(deployments);
  }

  /** Whether no better plan was found when the cluster was like this. */
  public boolean isSettled(String deployment, List<Object> fingerprint) {
    boolean same = fingerprint.equals(settled.get(deployment));
    if (same) {
      // It counts as looked at: what was better in between does not last.
      better.remove(deployment);
    }
    return same;
  }

  /** No plan is better now. */
  public void none(String deployment, List<Object> fingerprint) {
    better.remove(deployment);
    settled.put(deployment, fingerprint);
  }

  /** A plan is better now; whether that has been so for long enough. */
  public boolean found(String deployment) {
    if (better.merge(deployment, 1, Integer::sum) < times) {
      return false;
    }
    better.remove(deployment);
    return true;
  }
}
