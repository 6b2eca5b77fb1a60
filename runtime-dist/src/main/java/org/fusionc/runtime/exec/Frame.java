package org.fusionc.runtime.exec;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.sampling.Logits;

/**
 * What travels from stage to stage: the tensors that cross, and the batch that they belong to.
 *
 * @param sessions per row of {@code batch.pages()} the session's id
 * @param batch which token belongs to which session and position, and where its cache lies
 * @param tensors by the name of the value, without the {@code %}; the memory is the frame's own
 */
public record Frame(List<Long> sessions, Batch batch, SequencedMap<String, Tensor> tensors) {
  public Frame {
    sessions = List.copyOf(sessions);
    tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    if (sessions.size() != batch.pages().size()) {
      throw new IllegalArgumentException(
          sessions.size() + " sessions for " + batch.pages().size() + " rows");
    }
  }

  /** Of what the last stage gives: the logits of the wanted outputs, in order. */
  List<Logits> logits() {
    var tensor = tensors.firstEntry().getValue();
    long bytes = tensor.shape().getLast() * Float.BYTES;
    var rows = new ArrayList<Logits>();
    for (int row = 0; row < batch.outputs().length; row++) {
      rows.add(new Logits.Row(tensor.data().asSlice(row * bytes, bytes)));
    }
    return rows;
  }
}
