package org.fusionc.runtime.serve;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What becomes of a text that fails: the client is told, and the log has the reason. */
class FailuresTest {
  private final Logger log = (Logger) LoggerFactory.getLogger(Completions.class);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

  @BeforeEach
  void listen() {
    log.setLevel(Level.INFO);
    lines.start();
    log.addAppender(lines);
  }

  @AfterEach
  void stop() {
    log.detachAppender(lines);
    log.setLevel(null);
  }

  @Test
  void aDefectIsInTheLogWithItsTraceAndIsNotShown() {
    var told = Completions.told(new IllegalStateException("the sums do not agree"));
    assertThat(told.status).isEqualTo(500);
    assertThat(told.getMessage()).doesNotContain("sums").contains("log");
    assertThat(lines.list)
        .singleElement()
        .satisfies(line ->
            assertThat(line.getThrowableProxy().getMessage()).contains("the sums do not agree"));
  }

  @Test
  void aModelThatIsTakenAwayIsNoDefect() {
    var told = Completions.told(new CancellationException());
    assertThat(told.status).isEqualTo(503);
    assertThat(told.retryAfter).isPositive();
    assertThat(lines.list)
        .singleElement()
        .satisfies(line -> assertThat(line.getThrowableProxy()).isNull());
  }
}
