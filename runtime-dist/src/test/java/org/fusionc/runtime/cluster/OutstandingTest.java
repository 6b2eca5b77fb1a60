package org.fusionc.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BestLogits;
import org.fusionc.runtime.proto.WireTensor;
import org.fusionc.runtime.sampling.Logits;
import org.junit.jupiter.api.Test;

/** Answers of the last stage, which may be another version's, or nobody's friend. */
class OutstandingTest {
  private static final int VOCABULARY = 5;

  /** A frame of one token whose output is wanted. */
  private static Outstanding asked(int... enough) {
    var batch = new Batch(new int[1], new int[1], new int[1], List.of(new int[] {0}));
    var tensors = new LinkedHashMap<String, Tensor>();
    tensors.put("ids", Tensor.of(new int[] {3}, 1));
    var frame = new Frame(List.of(7L), batch, tensors);
    return Outstanding.of(0, frame, "ids", enough, new CompletableFuture<>(), 0);
  }

  private static Activation.Builder answer(int rows) {
    return Activation.newBuilder()
        .addTensors(
            WireTensor.newBuilder()
                .setName("logits")
                .addShape(rows)
                .addShape(VOCABULARY)
                .setData(ByteString.copyFrom(new byte[rows * VOCABULARY * Float.BYTES])));
  }

  private static BestLogits best(int... ids) {
    var best = BestLogits.newBuilder();
    for (int rank = 0; rank < ids.length; rank++) {
      best.addIds(ids[rank]).addValues(-rank);
    }
    return best.build();
  }

  @Test
  void takesTheLargestLogitsWhereTheseAreEnough() {
    var logits = asked(2).result(answer(0).addLogits(best(4, 1)).build(), "peer");
    assertThat(logits)
        .singleElement()
        .isInstanceOfSatisfying(
            Logits.Best.class, taken -> assertThat(taken.ids()).containsExactly(4, 1));
  }

  @Test
  void refusesTheLargestLogitsWhereAllAreWanted() {
    var some = answer(0).addLogits(best(4, 1)).build();
    for (var all : List.of(asked(), asked(0))) {
      assertThatThrownBy(() -> all.result(some, "peer")).isInstanceOf(DiagnosticException.class);
    }
  }

  @Test
  void refusesFewerLogitsThanAreEnoughAndIdsThatThereAreNotOrTwice() {
    for (var wrong : List.of(best(4), best(4, VOCABULARY), best(4, -1), best(4, 4))) {
      var some = answer(0).addLogits(wrong).build();
      assertThatThrownBy(() -> asked(2).result(some, "peer"))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("the 2 largest of 5 were wanted");
    }
  }
}
