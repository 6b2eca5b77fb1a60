package org.fusionc.runtime.exec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/**
 * A frame under way: per session how many of its tokens it carries, and whether the last one is the
 * session's last, so that its logits come back.
 *
 * <p>Loops instead of streams: this is done for each token, and for a JVM that has just started a
 * stream takes longer than some kernels.
 */
record Sent(List<Session> sessions, List<Integer> tokens, List<Boolean> outputs) {
  /** Of how many of the largest logits those sessions have use that get some; see Pipeline. */
  int[] enough() {
    var enough = new int[sessions.size()];
    int count = 0;
    for (int i = 0; i < enough.length; i++) {
      if (outputs.get(i)) {
        enough[count++] = sessions.get(i).enough();
      }
    }
    return Arrays.copyOf(enough, count);
  }

  /**
   * The frame with the tokens that the sessions have to feed next; they count as fed.
   *
   * @param input the first stage's parameter for token ids
   */
  Frame frame(String input) {
    int count = 0;
    for (int some : tokens) {
      count += some;
    }
    var ids = new int[count];
    var sequence = new int[count];
    var position = new int[count];
    var lasts = new int[sessions.size()];
    int wanted = 0;
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
        lasts[wanted++] = at - 1;
      }
      pages.add(session.pages);
      sessionIds.add(session.id);
    }
    var batch = new Batch(sequence, position, Arrays.copyOf(lasts, wanted), pages);
    var tensors = new LinkedHashMap<String, Tensor>();
    tensors.put(input, Tensor.of(ids, count));
    return new Frame(sessionIds, batch, tensors);
  }
}
