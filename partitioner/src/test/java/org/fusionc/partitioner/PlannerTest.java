package org.fusionc.partitioner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterFile;
import org.junit.jupiter.api.Test;

class PlannerTest {
  private static final Cluster HOME =
      ClusterFile.parse(
          "home.yaml",
          """
          devices:
            - {name: desk.gpu0, memory: 10GiB, memory_bandwidth: 760GB/s, f16: 59.5TFLOP/s}
            - {name: laptop.cpu, memory: 24GiB, memory_bandwidth: 50GB/s, f32: 0.5TFLOP/s, count: 3}
          links:
            - {between: [desk, laptop-1], bandwidth: 940Mbit/s, latency: 0.4ms}
          default_link: {bandwidth: 100Mbit/s, latency: 20ms}
          """);

  private static double number(Plan plan, String key) {
    return plan.expect().quantity(key).orElseThrow().base();
  }

  @Test
  void oneDeviceWhereThatIsBest() {
    var plan = Planner.plan(Shapes.shared("llama-3.2-1b"), HOME, PlanOptions.DEFAULT);
    assertThat(plan.stages()).extracting(Stage::device).containsExactly("desk.gpu0");
    assertThat(plan.edges()).isEmpty();
    assertThat(plan.bound()).hasValue(1.0);
    // 1.24 G weights of two bytes, tied embeddings once, and 4096 tokens of cache at 760 GB/s.
    assertThat(number(plan, "decode")).isCloseTo(0.0036, within(0.0002));
  }

  @Test
  void theLargeModelUsesTheNearLaptopAndPutsAsMuchAsFitsOnTheGpu() {
    var plan = Planner.plan(Shapes.shared("llama-3.1-8b"), HOME, PlanOptions.DEFAULT);
    assertThat(plan.stages())
        .extracting(Stage::device)
        .containsExactlyInAnyOrder("desk.gpu0", "laptop-1.cpu");
    assertThat(plan.bound()).hasValue(1.0);
    for (var stage : plan.stages()) {
      double gib = stage.attributes().quantity("weights").orElseThrow().base() / (1L << 30);
      assertThat(gib).isBetween(5.0, 9.9);
    }
    assertThat(plan.edges().getFirst().attributes().quantity("size").orElseThrow().toString())
        .isEqualTo("16KiB/tok");
  }

  @Test
  void throughputSpreadsWhatLatencyKeepsTogether() {
    var module = Shapes.shared("llama-3.1-8b");
    var latency = Planner.plan(module, HOME, new PlanOptions(Objective.LATENCY, 2048, 16));
    var throughput = Planner.plan(module, HOME, new PlanOptions(Objective.THROUGHPUT, 2048, 16));
    assertThat(throughput.stages().size()).isGreaterThan(latency.stages().size());
    assertThat(number(throughput, "throughput")).isGreaterThan(number(latency, "throughput"));
  }

  @Test
  void onlyTheChosenExpertsAreRead() {
    var big =
        ClusterFile.parse(
            "one.yaml",
            "devices: [{name: a.gpu, memory: 141GB, memory_bandwidth: 4.8TB/s, bf16: 900TFLOP/s}]");
    var plan =
        Planner.plan(
            Shapes.shared("mixtral-8x7b"), big, new PlanOptions(Objective.LATENCY, 128, 1));
    double weights = plan.stages().getFirst().attributes().quantity("weights").orElseThrow().base();
    assertThat(weights).isCloseTo(93.4e9, within(1e9));
    assertThat(number(plan, "decode")).isCloseTo(25.8e9 / 4.8e12, within(0.0003));
  }

  @Test
  void saysWhatIsShortByHowMuch() {
    // Outside of what throws: a shape that is not here skips the test.
    var large = Shapes.shared("llama-2-70b");
    var small = Shapes.shared("llama-3.2-1b");
    assertThatThrownBy(() -> Planner.plan(large, HOME, PlanOptions.DEFAULT))
        .hasMessageContaining("home.yaml: weights 128.5 GiB + KV 2.5 GiB (context 4096, batch 1)")
        .hasMessageContaining("the cluster's 4 devices have 82 GiB; short by 48.9")
        .hasMessageContaining("add a device")
        .satisfies(problem ->
            assertThat(((DiagnosticException) problem).failure()).isEqualTo(Failure.INFEASIBLE));
    assertThatThrownBy(
            () -> Planner.plan(small, HOME, new PlanOptions(Objective.LATENCY, 131072, 64)))
        .hasMessageContaining("short by")
        .hasMessageContaining("reduce --context or --batch");
  }

  @Test
  void machinesWithoutALinkCannotShareAModel() {
    var apart =
        ClusterFile.parse(
            "apart.yaml",
            "devices: [{name: a.cpu, memory: 2GiB, memory_bandwidth: 50GB/s, count: 2}]");
    var model = Shapes.shared("llama-3.2-1b");
    assertThatThrownBy(() -> Planner.plan(model, apart, PlanOptions.DEFAULT))
        .hasMessageContaining("a-1.cpu, a-2.cpu has no link")
        .hasMessageContaining("default_link");
  }

  @Test
  void aHundredLayersOnADozenAndAHalfDevicesArePlanned() {
    var farm =
        ClusterFile.parse(
            "farm.yaml",
            """
            devices:
              - {name: a.gpu, memory: 80GiB, memory_bandwidth: 2TB/s, bf16: 312TFLOP/s, count: 9}
              - {name: b.gpu, memory: 24GiB, memory_bandwidth: 300GB/s, bf16: 121TFLOP/s, count: 8}
              - {name: c.gpu, memory: 16GiB, memory_bandwidth: 320GB/s, f16: 65TFLOP/s, count: 7}
            links:
              - {between: [a-1, b-1], bandwidth: 940Mbit/s, latency: 0.4ms}
              - {between: [a-3, c-1], bandwidth: 940Mbit/s, latency: 0.4ms}
            default_link: {bandwidth: 10Gbit/s, latency: 1ms}
            """);
    var module = Shapes.shared("llama-3.1-405b");
    var plan = Planner.plan(module, farm, PlanOptions.DEFAULT);
    assertThat(plan.bound().orElseThrow()).isBetween(1.0, 1.5);
    assertThat(PlanChecker.check(module, plan)).isEqualTo(plan);
  }

  @Test
  void samePlanEveryTime() {
    var options = new PlanOptions(Objective.THROUGHPUT, 2048, 4);
    var first = Planner.plan(Shapes.shared("llama-3.1-8b"), HOME, options);
    assertThat(Planner.plan(Shapes.shared("llama-3.1-8b"), HOME, options)).isEqualTo(first);
  }
}
