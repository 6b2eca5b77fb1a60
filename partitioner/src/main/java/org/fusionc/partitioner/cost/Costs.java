package org.fusionc.partitioner.cost;

import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterDevice;
import org.fusionc.partitioner.cluster.LinkSpeed;

/**
 * Seconds that one {@link Step} of a chain takes on a cluster. An op's time on a device is the
 * longer of its computing and its memory traffic (the roofline); ops of a stage run one after the
 * other, so a range's time is a difference of two sums.
 */
public final class Costs {
  private final Step step;
  private final double[][] before;
  private final double[] crossing;
  private final LinkSpeed[][] links;
  private final double returning;

  /**
   * @param returnBytesPerOutput what goes back from the last stage to the first for each row of
   *     results: the id of the token chosen
   */
  public Costs(Chain chain, Cluster cluster, Step step, double returnBytesPerOutput) {
    this.step = step;
    var work = chain.work(step);
    crossing = work.crossing();
    links = cluster.linkTable();
    returning = returnBytesPerOutput * step.outputs();
    before = new double[cluster.devices().size()][chain.size() + 1];
    for (int device = 0; device < before.length; device++) {
      for (int op = 0; op < chain.size(); op++) {
        before[device][op + 1] =
            before[device][op] + time(cluster.devices().get(device), chain.dtype(op), work, op);
      }
    }
  }

  private static double time(ClusterDevice device, String dtype, StepWork work, int op) {
    return Math.max(work.flops()[op] / device.speed(dtype), work.bytes()[op] / device.bandwidth());
  }

  public Step step() {
    return step;
  }

  public int size() {
    return crossing.length - 1;
  }

  public int devices() {
    return before.length;
  }

  /** Seconds of ops {@code 0} to {@code end - 1} on a device, for every {@code end}. */
  public double[] before(int device) {
    return before[device];
  }

  /** Seconds of ops {@code from} to {@code to - 1} on a device. */
  public double range(int device, int from, int to) {
    return before[device][to] - before[device][from];
  }

  /** Bytes that cross a cut before op {@code position}. */
  public double crossing(int position) {
    return crossing[position];
  }

  public LinkSpeed link(int from, int to) {
    return links[from][to];
  }

  /** Bytes that go back to the first stage. */
  public double returning() {
    return returning;
  }
}
