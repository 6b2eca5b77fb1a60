package org.fusionc.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class RecoveryLogTest {
  private static Recovery recovery(int epoch) {
    return new Recovery(epoch, 0, "a", "b", Recovery.Cause.KILLED, 1, 1, 5, 0);
  }

  @Test
  void theNewestAreKeptAndReportedOnce() {
    var log = new RecoveryLog(3);
    var reported = new ArrayList<Long>();
    log.add(recovery(0));
    log.report(recovery -> reported.add(recovery.epoch()));
    for (int epoch = 1; epoch <= 2; epoch++) {
      log.add(recovery(epoch));
    }
    log.report(recovery -> reported.add(recovery.epoch()));
    log.report(recovery -> reported.add(recovery.epoch()));
    for (int epoch = 3; epoch <= 7; epoch++) {
      log.add(recovery(epoch));
    }
    log.report(recovery -> reported.add(recovery.epoch()));
    assertThat(reported).containsExactly(0L, 1L, 2L, 5L, 6L, 7L);
    assertThat(log.newest()).extracting(Recovery::epoch).containsExactly(5L, 6L, 7L);
    assertThat(log.total()).isEqualTo(8);
  }
}
