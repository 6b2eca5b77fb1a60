package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.Port;
import org.junit.jupiter.api.Test;

class ResultsTest {
  private static final Tensor LOGITS = Tensor.of(new float[] {1, 5, 3, 2, 4, 0, -1, -2}, 1, 8);

  private static Port port(DType.Scalar dtype) {
    return new Port("logits", dtype, List.of(8L), Port.Rows.OUTPUT, Encoding.PLAIN, 0);
  }

  @Test
  void theLargestLogitsAloneTravel() {
    var results = Results.best(port(DType.Scalar.F32), LOGITS, List.of(1));
    assertThat(results.best().getFirst().getIdsList()).containsExactly(1);
    assertThat(results.wholeOutputs(1)).isZero();
  }

  /** Whoever reads f16 as f32 would find some largest ones, too. */
  @Test
  void logitsOfAnotherTypeAreNotRead() {
    assertThatThrownBy(() -> Results.best(port(DType.Scalar.F16), LOGITS, List.of(1)))
        .hasMessageContaining("logits travel as plain f32");
  }
}
