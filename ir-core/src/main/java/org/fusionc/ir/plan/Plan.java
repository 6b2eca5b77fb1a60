package org.fusionc.ir.plan;

import java.util.List;
import java.util.OptionalDouble;

/**
 * A partition plan as syntax.
 *
 * <pre>{@code
 * plan @home objective latency bound 1.03 {
 *   expect { context = 4096, batch = 1, decode = 12.3ms, bottleneck = "link @desk -> @attic" }
 *   device @desk.gpu0 : cuda<sm_86> { memory = 10GiB, bandwidth = 760GB/s, f16 = 59.5TFLOP/s }
 *   link @desk <-> @attic { bandwidth = 940Mbit/s, latency = 0.4ms }
 *   link default { bandwidth = 100Mbit/s, latency = 20ms }
 *   stage 0 on @desk.gpu0 runs @decode through %layers.5.out { weights = 4.1GiB, kv = 512MiB }
 *   stage 1 on @attic.cpu runs @decode { weights = 4.3GiB, kv = 512MiB }
 *   edge stage 0 -> stage 1 carries %layers.5.out { encode = f32, size = 8KiB/tok }
 * }
 * }</pre>
 *
 * <p>{@code objective} and {@code bound} may be missing, as may {@code expect}, every link, every
 * edge, and every {@code { … }}. {@link #toString} gives the text in this order; within one kind
 * the lines keep theirs.
 *
 * @param name without the {@code @}
 * @param objective {@code latency}, {@code throughput}, or empty if not stated
 * @param bound the plan's cost over a proven lower bound of any plan's cost, at least 1
 * @param expect the stated {@code context} (tokens) and {@code batch} (sequences), and what the
 *     planner predicts
 */
public record Plan(
    String name,
    String objective,
    OptionalDouble bound,
    Attributes expect,
    List<Device> devices,
    List<Link> links,
    List<Stage> stages,
    List<Edge> edges,
    Origin origin) {
  public Plan {
    devices = List.copyOf(devices);
    links = List.copyOf(links);
    stages = List.copyOf(stages);
    edges = List.copyOf(edges);
  }

  public Plan withStages(List<Stage> others) {
    return new Plan(name, objective, bound, expect, devices, links, others, edges, origin);
  }

  public Plan withEdges(List<Edge> others) {
    return new Plan(name, objective, bound, expect, devices, links, stages, others, origin);
  }

  public Plan withBound(OptionalDouble other) {
    return new Plan(name, objective, other, expect, devices, links, stages, edges, origin);
  }

  /** The text of {@link PlanPrinter}. */
  @Override
  public String toString() {
    return PlanPrinter.print(this);
  }
}
