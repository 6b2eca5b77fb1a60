package org.fusionc.backend.cpu.x86;

import java.util.ArrayList;
import java.util.List;

/** A place in the code that jumps go to, known once {@link Assembler#bind} has set it. */
public final class Label {
  private int position = -1;
  private final List<Integer> waiting = new ArrayList<>();

  boolean isBound() {
    return position >= 0;
  }

  int position() {
    return position;
  }

  void bind(int at) {
    if (isBound()) {
      throw new IllegalStateException("a label is bound once");
    }
    position = at;
  }

  /** Places of four bytes that are to hold the distance from their end to here. */
  List<Integer> waiting() {
    return waiting;
  }
}
