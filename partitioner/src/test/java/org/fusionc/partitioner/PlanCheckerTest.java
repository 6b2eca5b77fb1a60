package org.fusionc.partitioner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.cluster.ClusterFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanCheckerTest {
  /** Two machines of which neither holds all of the model. */
  private static final String TWO =
      """
      devices:
        - {name: desk.cpu, memory: 650kB, memory_bandwidth: 50GB/s, f32: 1TFLOP/s}
        - {name: attic.cpu, memory: 650kB, memory_bandwidth: 50GB/s, f32: 1TFLOP/s}
      default_link: {bandwidth: 1Gbit/s, latency: 0.1ms}
      """;

  private static final PlanOptions OPTIONS = new PlanOptions(Objective.LATENCY, 32, 1);

  /** The module with the planner's plan, as text. */
  private static String planned() {
    var module = Shapes.small(3);
    var plan = Planner.plan(module, ClusterFile.parse("two.yaml", TWO), OPTIONS);
    assertThat(plan.stages()).hasSize(2);
    return FirPrinter.print(module.withPlan(plan));
  }

  private static Plan check(String text) {
    var module = FirParser.parse(text, "plan.fir", new Graph(), OpRegistry.builtIn());
    return PlanChecker.check(module, plan(module));
  }

  private static Plan plan(Module module) {
    return module.plan().orElseThrow();
  }

  @Test
  void thePlannersOwnPlanPassesUnchanged() {
    var text = planned();
    var module = FirParser.parse(text, "plan.fir", new Graph(), OpRegistry.builtIn());
    assertThat(FirPrinter.print(module)).isEqualTo(text);
    assertThat(PlanChecker.check(module, plan(module))).isEqualTo(plan(module));
    assertThat(plan(module).bound()).isPresent();
  }

  @Test
  void aMovedCutIsHonouredAndItsNumbersComputedAnew() {
    var text = planned().replaceAll("(?m)^  edge .*\n", "");
    var moved = text.replaceFirst("through %[^ ]+", "through %layers.1.attn.sum");
    assertThat(moved).isNotEqualTo(text);
    var plan = check(moved);
    assertThat(plan.stages().getFirst().through()).contains("layers.1.attn.sum");
    assertThat(plan.edges()).hasSize(1);
    assertThat(plan.edges().getFirst().values()).containsExactly("layers.1.attn.sum");
    assertThat(plan.bound()).as("the bound was another plan's").isEmpty();
    assertThat(plan.stages())
        .extracting(Stage::attributes)
        .doesNotHaveDuplicates()
        .allSatisfy(attributes -> assertThat(attributes.quantity("weights")).isPresent());
  }

  @Test
  void aPlanNeedsNoNumbers() {
    var bare =
        planned().replaceAll("(?s)plan @main.*", "")
            + """
            plan @mine {
              stage 0 on @any.where runs @decode through %layers.1.out
              stage 1 on @any.where runs @decode
            }
            """;
    assertThat(check(bare).stages()).hasSize(2);
  }

  @Test
  void smallerWireFormatsShortenTheEdge() {
    var text = planned().replaceFirst("through %[^ ]+", "through %layers.0.out");
    var without = text.replaceAll("(?m)^  edge .*\n", "");
    var coded =
        without.replaceFirst(
            "(?s)\n}\n$", "\n  edge stage 0 -> stage 1 carries %layers.0.out { encode = q8 }\n}\n");
    var plain = check(without).edges().getFirst().attributes();
    var small = check(coded).edges().getFirst().attributes();
    assertThat(small.word("encode")).contains("q8");
    assertThat(small.quantity("size").orElseThrow().base())
        .isEqualTo(plain.quantity("size").orElseThrow().base() * 34 / 128);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "through %[^ ]+|through %layers.1.outt|which @decode has not|layers.1.out'?",
        "through %[^ ]+|through %ids|which is a parameter|",
        "through %[^ ]+|through %logits_typo_far_away_from_all|which @decode has not|",
        "through %[^ ]+||stage 0 runs to the end|add 'through %",
        "stage 1 on|stage 2 on|stage 2 stands where stage 1 should|number the stages",
        "stage 0 on @desk.cpu|stage 0 on @desc.cpu|which the plan has no device line for|did you"
            + " mean 'desk.cpu'?",
        "runs @decode through|runs @decod through|which the module has not|decode'?",
        "carries %[^ ]+|carries %layers.0.out, %x|but what crosses there is %|delete the edge"
            + " lines",
        "(?m)^ +edge stage 0 -> stage 1|edge stage 1 -> stage 2|does not join|delete the edge"
            + " lines",
        "encode = f32|encode = f33|no wire format|did you mean 'f32'?",
        "objective latency|objective lateness|unknown objective|",
        "context = 32|context = 0|context = '0'|at least 1",
        "context = 32|contxt = 32|unknown 'contxt'|did you mean 'context'?",
        "memory = 650kB|memory = 600ms|should be a size|10GiB",
        "memory = 650kB|memry = 600kB|unknown attribute 'memry'|did you mean 'memory'?",
      })
  void saysWhatContradicts(String correct, String wrong, String message, String remedy) {
    var text = planned();
    var edited = text.replaceFirst(correct, wrong == null ? "" : wrong);
    assertThat(edited).isNotEqualTo(text);
    assertThatThrownBy(() -> check(edited))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("plan.fir:")
        .hasMessageContaining(message)
        .hasMessageContaining(remedy == null ? "" : remedy)
        .satisfies(problem ->
            assertThat(((DiagnosticException) problem).failure()).isEqualTo(Failure.INVALID_INPUT));
  }

  @Test
  void stagesThatOverlapAreRefused() {
    var text =
        planned()
            .replaceAll("(?m)^  edge .*\n", "")
            .replaceFirst("through %[^ ]+", "through %layers.1.out");
    var overlapping =
        text.replaceFirst(
            "(?m)^  stage 1 on (.*) runs @decode",
            "  stage 1 on $1 runs @decode through %layers.0.out\n  stage 2 on $1 runs @decode");
    assertThatThrownBy(() -> check(overlapping))
        .hasMessageContaining(
            "stage 1 ends with %layers.0.out, which stage 0 has computed already");
    var cutShort =
        text.replaceFirst("(?m)^(  stage 1 .* runs @decode)", "$1 through %layers.2.out");
    assertThatThrownBy(() -> check(cutShort)).hasMessageContaining("are in no stage");
  }

  @Test
  void aCutThroughACacheIsRefused() {
    var text = planned();
    var name = text.lines().filter(line -> line.contains("= kv_append")).findFirst().orElseThrow();
    var appended = name.strip().split(" ", 2)[0];
    var edited = text.replaceFirst("through %[^ ]+", "through " + appended);
    assertThatThrownBy(() -> check(edited))
        .hasMessageContaining("between the ops that write and read the state")
        .hasMessageContaining("end it before or after");
  }

  @Test
  void withoutLinkLinesTheLinksCostNothingAndNoneAppear() {
    var text = planned().replaceAll("(?m)^  (edge|link) .*\n", "");
    var plan = check(text);
    assertThat(plan.links()).isEmpty();
    assertThat(plan.edges()).hasSize(1);
    assertThat(FirPrinter.print(Module.empty(new Graph()).withPlan(plan))).contains("decode = 0ns");
  }

  @Test
  void whatDoesNotFitSaysHowMuchIsShort() {
    var text = planned().replaceAll("(?m)^  edge .*\n", "");
    var tooMuch = text.replaceFirst("through %[^ ]+", "through %layers.2.out");
    assertThatThrownBy(() -> check(tooMuch))
        .hasMessageContaining("stage 0 on @")
        .hasMessageContaining("short by")
        .hasMessageContaining("move the cut")
        .satisfies(problem ->
            assertThat(((DiagnosticException) problem).failure()).isEqualTo(Failure.INFEASIBLE));
    var unlinked = text.replace("link default", "link @desk -> @attic");
    assertThatThrownBy(() -> check(unlinked)).hasMessageContaining("there is no link");
  }
}
