package org.fusionc.partitioner.cost;

import java.util.List;

/** Ops in the order in which they run, as the planner sees them: what each holds and costs. */
public interface Chain {

  /**
   * A weight that an op reads. Ops in one stage that read the same weight share it.
   *
   * @param key what identifies it
   * @param bytes its size in memory
   */
  record Held(Object key, double bytes) {}

  int size();

  /** The name of the value that op {@code op} computes, as a plan would write it. */
  String name(int op);

  List<Held> weights(int op);

  /** The KV cache that op {@code op} keeps, in bytes per token of context and sequence. */
  double kvBytesPerToken(int op);

  /** What op {@code op} computes with, by the name of {@code ClusterDevice.DTYPES}. */
  String dtype(int op);

  StepWork work(Step step);
}
