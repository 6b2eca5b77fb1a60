package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.fusionc.broker.plan.PlanMaker;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.text.FirPrinter;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A plan's text as the broker reads it: refused with a reason, or printed so that it reads the
 * same.
 */
class PlanFuzzTest {
  private static final String PLAN =
      """
      fir 1.0

      plan @main objective latency {
        expect { context = 512, batch = 8, decode = 14.33ms, bottleneck = "edge stage 0 -> stage 1" }
        device @ada.cpu : cpu { memory = 400MiB, bandwidth = 23.2GB/s, f32 = 162.6GFLOP/s }
        device @bob.cpu : cpu { memory = 400MiB }
        link @ada -> @bob { bandwidth = 99.277Mbit/s, latency = 3.867ms }
        link default { bandwidth = 880Mbit/s, latency = 0.5ms }
        stage 0 on @ada.cpu runs @decode through %7 { weights = 680.8KiB, kv = 2MiB, decode = 191.8us }
        stage 1 on @bob.cpu runs @decode { weights = 1.244MiB }
        edge stage 0 -> stage 1 carries %a.b, %7 { encode = f32, size = 1.5KiB/tok }
      }
      """;

  static Stream<byte[]> seeds() {
    return Stream.of(
            PLAN,
            "fir 1.0\n",
            "plan {".repeat(100),
            "fir 1.0\nplan @p objective throughput { stage 4294967296 on @x runs @y }",
            """
            fir 1.0
            dim T in [1, 64]
            weight @w : f32[8, 8] = file("m.safetensors", "w")
            func @f(%x: f32[T, 8]) -> (f32[T, 8]) {
              %y = linear %x, @w : f32[T, 8]
              return %y
            }
            """)
        .map(Seeds::of);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void plans(byte[] input) {
    var text = new String(input, StandardCharsets.UTF_8);
    try {
      var plan = PlanMaker.parse(text);
      var printed = FirPrinter.print(Module.empty(new Graph()).withPlan(plan));
      var again = FirPrinter.print(Module.empty(new Graph()).withPlan(PlanMaker.parse(printed)));
      assertThat(again).isEqualTo(printed);
    } catch (DiagnosticException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    }
  }
}
