package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.junit.jupiter.api.Test;

class ExponentialTest {
  /** A kernel that does vectors from one place to another. */
  private record Loop(Target target, boolean tanh) implements Kernels.Description {
    @Override
    public byte[] generate() {
      var c = new Code(target, 1);
      var exponential = new Exponential(c, c.gp(), c.vec());
      var x = c.vec();
      var y = c.vec();
      var sign = c.vec();
      var loop = c.asm.here();
      c.load(x, Address.at(c.argument(0)));
      if (tanh) {
        exponential.tanh(y, x, sign);
      } else {
        exponential.exp(y, x);
      }
      c.store(Address.at(c.argument(1)), y);
      c.asm.add(c.argument(0), target.vector());
      c.asm.add(c.argument(1), target.vector());
      c.asm.sub(c.argument(2), 1);
      c.asm.jcc(Condition.NE, loop);
      return c.finish();
    }
  }

  private static float[] run(Target target, boolean tanh, float... values) {
    try (var arena = new GuardedArena()) {
      var x = arena.floats(java.util.Arrays.copyOf(values, Math.ceilDiv(values.length, 16) * 16));
      var y = arena.floats(new float[(int) x.byteSize() / 4]);
      Kernels.of(new Loop(target, tanh))
          .call(x.address(), y.address(), x.byteSize() / target.vector(), 0, 0, 0);
      return java.util.Arrays.copyOf(y.toArray(ValueLayout.JAVA_FLOAT), values.length);
    }
  }

  @Test
  void isWithinOneInTenMillionOverTheRange() {
    int count = 400_000;
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = -87.3f + i * (175.6f / count);
    }
    for (var target : Targets.here()) {
      float[] y = run(target, false, x);
      double worst = 0;
      for (int i = 0; i < count; i++) {
        double expected = Math.exp(x[i]);
        worst = Math.max(worst, Math.abs(y[i] - expected) / expected);
      }
      assertThat(worst).as("%s", target).isLessThan(1.2e-7);
    }
  }

  @Test
  void knowsTheEdges() {
    float[] x = {0f, -0f, Float.NEGATIVE_INFINITY, -1000f, Float.POSITIVE_INFINITY, 1000f};
    for (var target : Targets.here()) {
      assertThat(run(target, false, x))
          .containsExactly(1f, 1f, 0f, 0f, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);
      assertThat(run(target, false, Float.NaN)).containsExactly(Float.NaN);
    }
  }

  @Test
  void givesTheHyperbolicTangentToAFewUlp() {
    int count = 200_000;
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      double size = Math.pow(10, -6 + 7.3 * i / count);
      x[i] = (float) (i % 2 == 0 ? size : -size);
    }
    for (var target : Targets.here()) {
      float[] y = run(target, true, x);
      for (int i = 0; i < count; i++) {
        double expected = Math.tanh(x[i]);
        assertThat((double) y[i])
            .as("%s tanh(%s)", target, x[i])
            .isCloseTo(expected, within(4e-7 * Math.abs(expected)));
      }
      assertThat(run(target, true, 0f, -0f, Float.NEGATIVE_INFINITY, 1000f))
          .containsExactly(0f, -0f, -1f, 1f);
    }
  }
}
