package org.fusionc.partitioner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.IntStream;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.interpret.InterpreterBackend;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.cost.Liveness;
import org.fusionc.passes.Pipelines;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartitionTest {
  /** A value in [-0.5, 0.5) for each element, by the weight's name. */
  private static final WeightLoader RANDOM =
      weight -> {
        var random = new Random(weight.symbol().hashCode());
        int count = Math.toIntExact(weight.type().size().value());
        var data = new float[count];
        IntStream.range(0, count).forEach(i -> data[i] = random.nextFloat() - 0.5f);
        return Tensor.of(
            data, weight.type().dims().stream().mapToLong(dim -> dim.value()).toArray());
      };

  private static final Backend.Options OPTIONS = new Backend.Options(1, 4, 16);

  @Test
  void everySingleCutGivesTheSameLogits() {
    everySingleCut(Shapes.small(2));
  }

  @Test
  void everySingleCutOfTheOptimisedModelDoesToo() {
    var pipeline = Pipeline.parse(Pipelines.optimize(), PassRegistry.load());
    everySingleCut(new PassManager().run(Shapes.small(2), pipeline).module());
  }

  private static void everySingleCut(Module module) {
    var liveness = new Liveness(module.function("decode"));
    var expected = generate(module, List.of("decode"));
    int cuts = 0;
    for (int position = 1; position < liveness.size(); position++) {
      if (liveness.splitState(position).isEmpty()) {
        var cut = Partition.apply(module, plan(module, position));
        assertThat(generate(cut, List.of("decode.s0", "decode.s1")))
            .as("cut at %d", position)
            .isEqualTo(expected);
        cuts++;
      }
    }
    assertThat(cuts).as("op-level cuts").isGreaterThan(20);
    assertThat(expected).doesNotContain(Float.NaN);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void equalStagesGiveTheSameLogits(int count) {
    var module = Shapes.small(3);
    var plan = InProcess.stages(module, count);
    assertThat(plan.stages()).hasSize(count);
    var cut = Partition.apply(module, plan);
    var names = cut.plan().orElseThrow().stages().stream().map(Stage::function).toList();
    assertThat(names).isEqualTo(IntStream.range(0, count).mapToObj(i -> "decode.s" + i).toList());
    assertThat(cut.functions().keySet()).containsExactlyElementsOf(names);
    assertThat(generate(cut, names)).isEqualTo(generate(module, List.of("decode")));
    int states = names.stream().mapToInt(name -> states(cut.function(name))).sum();
    assertThat(states).isEqualTo(3);
  }

  @Test
  void aValueThatOnlyALaterStageNeedsPassesThrough() {
    var module = Shapes.small(3);
    var liveness = new Liveness(module.function("decode"));
    // Two neighbouring cuts inside a block: the residual is alive across both.
    for (int position = 2; position < liveness.size(); position++) {
      var before = liveness.crossing(position - 1);
      if (before.size() > 1
          && liveness.crossing(position).containsAll(before)
          && liveness.splitState(position).isEmpty()
          && liveness.splitState(position - 1).isEmpty()) {
        var cut = Partition.apply(module, plan(module, position - 1, position));
        var middle = cut.function("decode.s1");
        assertThat(middle.results()).containsAnyElementsOf(middle.params());
        assertThat(generate(cut, List.of("decode.s0", "decode.s1", "decode.s2")))
            .isEqualTo(generate(module, List.of("decode")));
        return;
      }
    }
    throw new AssertionError("no place to test this");
  }

  @Test
  void aPartitionedModuleIsTextThatReadsBack() {
    var module = Shapes.small(2);
    var cut = Partition.apply(module, InProcess.stages(module, 3));
    var text = FirPrinter.print(cut);
    var again = FirParser.parse(text, "cut.fir", new Graph(), OpRegistry.builtIn());
    assertThat(FirPrinter.print(again)).isEqualTo(text);
    assertThat(again.plan()).isEqualTo(cut.plan());
    assertThat(generate(again, List.of("decode.s0", "decode.s1", "decode.s2")))
        .isEqualTo(generate(module, List.of("decode")));
    assertThat(PlanChecker.check(again, again.plan().orElseThrow()))
        .isEqualTo(again.plan().orElseThrow());
  }

  @Test
  void isAPassThatPipelinesFind() {
    var pass = PassRegistry.load().find("partition").orElseThrow();
    var module = Shapes.small(2);
    var cut = pass.run(module, new PassContext(pass, Map.of("stages", 2L), line -> {}));
    assertThat(cut.functions().keySet()).containsExactly("decode.s0", "decode.s1");
    assertThat(pass.run(cut, new PassContext(pass, Map.of(), line -> {}))).isSameAs(cut);
    assertThatThrownBy(() -> pass.run(module, new PassContext(pass, Map.of(), line -> {})))
        .hasMessageContaining("the module has no plan");
  }

  private static int states(Function function) {
    return (int) function.params().stream().filter(param -> param.type().isState()).count();
  }

  private static Plan plan(Module module, int... cuts) {
    var liveness = new Liveness(module.function("decode"));
    var names = ValueNames.of(liveness.function());
    var stages = new ArrayList<Stage>();
    for (int i = 0; i <= cuts.length; i++) {
      Optional<String> through =
          i < cuts.length
              ? Optional.of(names.results(liveness.steps().get(cuts[i] - 1)).getFirst())
              : Optional.empty();
      stages.add(new Stage(i, "local.cpu", "decode", through, Attributes.NONE, Origin.NONE));
    }
    return new Plan(
        "test",
        "",
        OptionalDouble.empty(),
        Attributes.NONE,
        List.of(),
        List.of(),
        stages,
        List.of(),
        Origin.NONE);
  }

  /** The logits of a prompt of five tokens, then of two steps after it, as bits to compare. */
  private static List<Float> generate(Module module, List<String> functions) {
    var stages = new ArrayList<Executable>();
    for (var name : functions) {
      stages.add(new InterpreterBackend().compile(module, name, RANDOM, OPTIONS));
    }
    var all = new ArrayList<Float>();
    int[][] runs = {{5, 3, 90, 7, 2}, {11}, {42}};
    int start = 0;
    for (var ids : runs) {
      var batch = Batch.single(start, ids.length, new int[] {0});
      var tokens = Tensor.of(ids, ids.length);
      List<Tensor> carried = List.of();
      for (int s = 0; s < stages.size(); s++) {
        var inputs = new ArrayList<Tensor>();
        if (tensors(module.function(functions.get(s))) > carried.size()) {
          inputs.add(tokens);
        }
        inputs.addAll(carried);
        carried = stages.get(s).run(batch, inputs);
      }
      assertThat(carried).hasSize(1);
      for (float logit : carried.getFirst().floats()) {
        all.add(logit);
      }
      start += ids.length;
    }
    return all;
  }

  private static long tensors(Function function) {
    return function.params().stream().filter(param -> param.type() instanceof Type.Tensor).count();
  }

  @Test
  void aStageTakesItsBatchThenTensorsThenStates() {
    var module = Shapes.small(2);
    var cut = Partition.apply(module, InProcess.stages(module, 2));
    var head = cut.function("decode.s0").params();
    assertThat(head.getFirst().type())
        .isInstanceOfSatisfying(
            Type.Tensor.class, type -> assertThat(type.dtype()).isEqualTo(DType.Scalar.I32));
    var types = cut.function("decode.s1").params().stream().map(param -> param.type()).toList();
    assertThat(types.get(0)).isInstanceOf(Type.Batch.class);
    assertThat(types.get(1)).isInstanceOf(Type.Tensor.class);
    assertThat(types.getLast()).isInstanceOf(Type.Kv.class);
  }
}
