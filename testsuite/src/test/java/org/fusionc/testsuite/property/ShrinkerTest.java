package org.fusionc.testsuite.property;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Neg;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.rewrite.Rule;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Test;

class ShrinkerTest {
  /** Takes -x for |x|. */
  private static final class Wrong implements Pass {
    @Override
    public String name() {
      return "wrong";
    }

    @Override
    public String summary() {
      return "Takes -x for |x|.";
    }

    @Override
    public Module run(Module module, PassContext context) {
      return context.rewrite(
          module,
          List.of(new Rule("wrong", (op, b) -> op instanceof Neg neg ? b.abs(neg.x()) : null)));
    }
  }

  private static boolean isWronged(Module module) {
    var pipeline = Pipeline.parse("wrong", PassRegistry.of(new Wrong()));
    var after =
        new PassManager(PassManager.Settings.standard().withReproducers(Repository.scratch()))
            .run(module, pipeline)
            .module();
    return Agreement.difference(module, after, "main", 1).isPresent();
  }

  @Test
  void aWrongRewriteIsFoundAndShrinksToItsOp() {
    int found = 0;
    for (long seed = 0; seed < 120 && found < 3; seed++) {
      var module = RandomModules.module(seed, 20);
      if (isWronged(module)) {
        found++;
        var small = new Shrinker(ShrinkerTest::isWronged).shrink(module);
        var body = small.function("main").body();
        assertThat(body).as("seed %d: %s", seed, body).hasSizeLessThanOrEqualTo(2);
        assertThat(isWronged(small)).isTrue();
      }
    }
    assertThat(found).isEqualTo(3);
  }

  @Test
  void aQuantisedValueIsNotMadeAParameter() {
    var b = new FunctionBuilder(new Graph(), "main");
    var x = b.param("x", Type.tensor(Scalar.F32, 2, 32));
    var q = b.quantize(x, new DType.Quantized(4, 32, false));
    var y = b.neg(b.dequantize(q, Scalar.F32));
    var module = Module.empty(b.graph()).withFunction(b.build(y));
    assertThat(isWronged(module)).isTrue();
    var small = new Shrinker(ShrinkerTest::isWronged).shrink(module).function("main");
    assertThat(small.body()).hasSize(1);
    assertThat(small.params()).extracting(Value::type).containsExactly(x.type());
  }
}
