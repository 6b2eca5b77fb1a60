package org.fusionc.cli;

import java.io.PrintWriter;

/** Shows progress in steps of ten per cent. */
final class PercentLine {
  private final PrintWriter out;
  private int shown;

  PercentLine(PrintWriter out) {
    this.out = out;
  }

  synchronized void show(long done, long all) {
    int tenth = all == 0 ? 10 : (int) (10 * done / all);
    if (tenth > shown) {
      shown = tenth;
      out.println(10 * tenth + " %");
      out.flush();
    }
  }
}
