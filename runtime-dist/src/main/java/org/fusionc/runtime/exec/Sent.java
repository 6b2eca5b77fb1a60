package org.fusionc.runtime.exec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/**
 * A frame under way: per session how many of its tokens it carries, and whether the last one is the
 * session's last, so that its logits come back.
 */
record Sent(List<Session> sessions, List<Integer> tokens, List<Boolean> outputs) {
  /** Of how many of the largest logits those sessions have use that get some; see Pipeline. */
  int[] enough() {
    return IntStream.range(0, sessions.size())
        .filter(outputs::get)
        .map(i -> sessions.get(i).enough())
        .toArray();
  }

  /**
   * The frame with the tokens that the sessions have to feed next; they count as fed.
   *
   * @param input the first stage's parameter for token ids
   */
  Frame frame(String input) {
    int count = tokens.stream().mapToInt(Integer::intValue).sum();
    var ids = new int[count];
    var sequence = new int[count];
    var position = new int[count];
    var lasts = new ArrayList<Integer>();
    var pages = new ArrayList<int[]>();
    var sessionIds = new ArrayList<Long>();
    int at = 0;
    for (int row = 0; row < sessions.size(); row++) {
      var session = sessions.get(row);
      for (int i = 0; i < tokens.get(row); i++, at++) {
        ids[at] = session.ids[session.fed + i];
        sequence[at] = row;
        position[at] = session.fed + i;
      }
      session.fed += tokens.get(row);
      if (session.fed == session.length) {
        lasts.add(at - 1);
      }
      pages.add(session.pages);
      sessionIds.add(session.id);
    }
    var batch =
        new Batch(sequence, position, lasts.stream().mapToInt(Integer::intValue).toArray(), pages);
    var tensors = new LinkedHashMap<String, Tensor>();
    tensors.put(input, Tensor.of(ids, count));
    return new Frame(sessionIds, batch, tensors);
  }
}
