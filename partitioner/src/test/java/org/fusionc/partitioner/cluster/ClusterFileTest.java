package org.fusionc.partitioner.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClusterFileTest {
  private static final String HOME =
      """
      devices:
        - {name: desk.gpu0, kind: cuda<sm_86>, memory: 10GiB, memory_bandwidth: 760GB/s, f16: 59.5TFLOP/s}
        - {name: desk.cpu, memory: 64GB, memory_bandwidth: 80GB/s}
        - {name: laptop.cpu, memory: 24GiB, memory_bandwidth: 50GB/s, f32: 0.5TFLOP/s, count: 3}
      links:
        - {between: [desk, laptop-1], bandwidth: 940Mbit/s, latency: 0.4ms}
        - {from: laptop-2, to: laptop-3, bandwidth: 10Mbit/s, latency: 7ms}
      default_link: {bandwidth: 100Mbit/s, latency: 20ms}
      """;

  @Test
  void readsDevicesAndExpandsCounts() {
    var cluster = ClusterFile.parse("home.yaml", HOME);
    assertThat(cluster.devices())
        .extracting(ClusterDevice::name)
        .containsExactly("desk.gpu0", "desk.cpu", "laptop-1.cpu", "laptop-2.cpu", "laptop-3.cpu");
    var gpu = cluster.devices().getFirst();
    assertThat(gpu.memory()).isEqualTo(10.0 * (1L << 30));
    assertThat(gpu.bandwidth()).isEqualTo(760e9);
    assertThat(gpu.speed("f16")).isEqualTo(59.5e12);
    assertThat(gpu.speed("bf16")).isEqualTo(59.5e12);
    assertThat(gpu.speed("f32")).isEqualTo(59.5e12 / 2);
    assertThat(cluster.devices().get(1).speed("f32")).isInfinite();
    assertThat(gpu.line())
        .hasToString(
            "device @desk.gpu0 : cuda<sm_86> { memory = 10GiB, bandwidth = 760GB/s, f16 ="
                + " 59.5TFLOP/s }");
    assertThat(cluster.machines()).containsExactly("desk", "laptop-1", "laptop-2", "laptop-3");
  }

  @Test
  void findsLinks() {
    var table = ClusterFile.parse("home.yaml", HOME).linkTable();
    var wire = new LinkSpeed(117.5e6, 0.0004);
    var fallback = new LinkSpeed(12.5e6, 0.02);
    assertThat(table[0][2]).isEqualTo(wire);
    assertThat(table[2][1]).isEqualTo(wire);
    assertThat(table[0][3]).isEqualTo(fallback);
    assertThat(table[3][4]).isEqualTo(new LinkSpeed(1.25e6, 0.007));
    assertThat(table[4][3]).isEqualTo(fallback);
    assertThat(table[0][1]).as("one machine: memory speed").isEqualTo(new LinkSpeed(80e9, 0));
    assertThat(wire.time(1.175e6)).isEqualTo(0.0104);
  }

  @Test
  void withoutADefaultMachinesCannotTalk() {
    var cluster =
        ClusterFile.parse(
            "two.yaml",
            "devices: [{name: a.cpu, memory: 1GiB, memory_bandwidth: 1GB/s, count: 2}]");
    assertThat(cluster.linkTable()[0][1]).isEqualTo(LinkSpeed.NONE);
    assertThat(LinkSpeed.NONE.time(0)).isInfinite();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "desk.gpu0, kind|desk.gpu0, memroy: 1GiB, kind|2:|unknown key 'memroy'|did you mean"
            + " 'memory'?",
        "memory: 10GiB, |''|2:|lacks 'memory'|add memory: 10GiB",
        "memory: 10GiB|memory: -10GiB|2:|must be positive|10GiB",
        "memory: 10GiB|memory: 10gib|2:|unknown unit 'gib'|did you mean 'GiB'?",
        "memory: 10GiB|memory: 10GB/s|2:|is a bandwidth, but should be a size|10GiB",
        "memory: 10GiB|memory: [1]|2:|is a list, but should be a single value|",
        "desk.cpu|desk.gpu0|3:|already stated at home.yaml:2:12|another name",
        "name: desk.cpu|name: desk|3:|'desk' is not a device's name|machine.device",
        "count: 3|count: 0|4:|count is '0'|whole number",
        "[desk, laptop-1]|[desk, labtop-1]|6:|unknown machine 'labtop-1'|did you mean 'laptop-1'?",
        "[desk, laptop-1]|[desk, laptop]|6:|unknown machine 'laptop'|laptop-1 to laptop-3",
        "[desk, laptop-1]|[desk.gpu0, laptop-1]|6:|unknown machine|so write 'desk'",
        "[desk, laptop-1]|[desk]|6:|names 1 machines|between: [desk, attic]",
        "[desk, laptop-1]|[desk, desk]|6:|with itself|delete it",
        "[desk, laptop-1]|[laptop-3, laptop-2]|7:|already stated at home.yaml:6|delete one",
        "from: laptop-2, to|between: [desk, laptop-2], to|7:|both 'between' and|for one",
        "bandwidth: 10Mbit/s, ||7:|lacks 'bandwidth'|add bandwidth",
        "default_link|defalt_link|8:|unknown key 'defalt_link'|did you mean 'default_link'?",
        "latency: 20ms|latency: 20ms, latency: 3ms|8:|given twice|delete one",
        "latency: 20ms}|latency: 20ms|9:|not YAML|correct",
        "devices:|machines:|2:|unknown key 'machines'|",
      })
  void saysWhatIsWrongAndWhere(
      String correct, String wrong, String line, String message, String remedy) {
    assertThat(HOME).contains(correct);
    var text =
        HOME.replaceFirst(java.util.regex.Pattern.quote(correct), wrong == null ? "" : wrong);
    assertThatThrownBy(() -> ClusterFile.parse("home.yaml", text))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageStartingWith("home.yaml:" + line)
        .hasMessageContaining(message)
        .hasMessageContaining(remedy == null ? "" : remedy);
  }

  @Test
  void refusesHostileFiles() {
    assertThatThrownBy(() -> ClusterFile.parse("x", "[".repeat(100_000)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("deeper");
    assertThatThrownBy(() -> ClusterFile.parse("x", "devices: &a [*a]"))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("alias");
    assertThatThrownBy(() -> ClusterFile.parse("x", "a".repeat(2_000_000)))
        .isInstanceOf(DiagnosticException.class);
    assertThatThrownBy(() -> ClusterFile.parse("x", ""))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("empty");
    assertThatThrownBy(() -> ClusterFile.parse("x", "\0")).isInstanceOf(DiagnosticException.class);
    assertThatThrownBy(() -> ClusterFile.read(Path.of("no/such.yaml")))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("no such file");
  }
}
