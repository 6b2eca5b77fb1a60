package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterDevice;
import org.fusionc.partitioner.cluster.LinkSpeed;
import org.fusionc.partitioner.cluster.MachineLink;
import org.fusionc.partitioner.cost.Chain;
import org.fusionc.partitioner.cost.Costs;
import org.fusionc.partitioner.cost.Footprint;
import org.fusionc.partitioner.cost.Step;
import org.fusionc.partitioner.cost.StepWork;

/** Small random chains and clusters, some with identical devices, shared weights, missing links. */
final class RandomInstances {
  private final Random random;

  RandomInstances(long seed) {
    random = new Random(seed);
  }

  /** A chain whose numbers are all linear in the tokens of the step. */
  record TestChain(
      List<List<Held>> held, double[] kv, double[] flops, double[] bytes, double[] crossing)
      implements Chain {
    @Override
    public int size() {
      return kv.length;
    }

    @Override
    public String name(int op) {
      return "op" + op;
    }

    @Override
    public List<Held> weights(int op) {
      return held.get(op);
    }

    @Override
    public double kvBytesPerToken(int op) {
      return kv[op];
    }

    @Override
    public String dtype(int op) {
      return op % 3 == 0 ? "f16" : "f32";
    }

    @Override
    public StepWork work(Step step) {
      return new StepWork(
          scaled(flops, step.tokens()),
          // Reading weights does not grow with the tokens.
          scaled(bytes, 1 + 0.1 * step.tokens()),
          scaled(crossing, step.tokens()),
          scaled(crossing, step.tokens()));
    }

    private static double[] scaled(double[] numbers, double factor) {
      return java.util.Arrays.stream(numbers).map(x -> x * factor).toArray();
    }
  }

  TestChain chain(int size) {
    var held = new ArrayList<List<Chain.Held>>();
    var kv = new double[size];
    var flops = new double[size];
    var bytes = new double[size];
    var crossing = new double[size + 1];
    for (int op = 0; op < size; op++) {
      var weights = new ArrayList<Chain.Held>();
      weights.add(new Chain.Held("w" + op, random.nextInt(100)));
      if (random.nextInt(3) == 0) {
        weights.add(new Chain.Held("shared" + random.nextInt(2), 30));
      }
      held.add(weights);
      kv[op] = random.nextInt(3) == 0 ? random.nextInt(4) : 0;
      flops[op] = random.nextInt(1000);
      bytes[op] = random.nextInt(200);
      crossing[op] = op == 0 ? 0 : 1 + random.nextInt(20);
    }
    return new TestChain(held, kv, flops, bytes, crossing);
  }

  Cluster cluster(int devices) {
    var list = new ArrayList<ClusterDevice>();
    boolean identical = random.nextInt(3) == 0;
    for (int d = 0; d < devices; d++) {
      var speeds = new TreeMap<String, Double>();
      speeds.put("f32", 1.0 + random.nextInt(10));
      speeds.put("f16", 1.0 + random.nextInt(20));
      var machine = random.nextInt(4) == 0 ? "shared" : "m" + d;
      var device =
          new ClusterDevice(
              machine + ".d" + d,
              "",
              100 + random.nextInt(500),
              1.0 + random.nextInt(10),
              speeds,
              Attributes.NONE);
      if (identical && d > 0 && random.nextInt(3) > 0) {
        var like = list.getFirst();
        device =
            new ClusterDevice(
                "m" + d + ".d" + d,
                "",
                like.memory(),
                like.bandwidth(),
                like.speeds(),
                Attributes.NONE);
      }
      list.add(device);
    }
    var links = new ArrayList<MachineLink>();
    var defaultLink =
        random.nextInt(4) == 0
            ? Optional.<LinkSpeed>empty()
            : Optional.of(new LinkSpeed(1.0 + random.nextInt(5), random.nextInt(10)));
    var cluster = new Cluster("random", list, links, defaultLink);
    for (var from : cluster.machines()) {
      for (var to : cluster.machines()) {
        if (!from.equals(to) && random.nextInt(identical ? 6 : 2) == 0) {
          links.add(
              new MachineLink(
                  from,
                  to,
                  random.nextBoolean(),
                  new LinkSpeed(1.0 + random.nextInt(10), random.nextInt(30))));
        }
      }
    }
    return new Cluster("random", list, links, defaultLink);
  }

  static Problem problem(Chain chain, Cluster cluster, int tokens) {
    var step = Step.decode(tokens, 8);
    return new Problem(
        new Costs(chain, cluster, step, 4), new Footprint(chain, 8, 1, List.of(step)), cluster);
  }
}
