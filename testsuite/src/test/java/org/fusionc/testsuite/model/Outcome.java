package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.fusionc.cli.Main;

/** What a command line gave. */
record Outcome(int code, String out, String err) {
  /** Runs it in this process. Whatever was wrong with it, a person can read the message. */
  static Outcome of(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
    assertThat(err.toString())
        .doesNotContain("\tat ")
        .doesNotContain("internal error")
        .doesNotContain("Exception");
    return new Outcome(code, out.toString(), err.toString());
  }

  void refused(int code, String... parts) {
    assertThat(this.code).as(err).isEqualTo(code);
    assertThat(err).contains(parts);
  }

  Outcome accepted() {
    assertThat(code).as(err).isZero();
    return this;
  }
}
