package org.fusionc.ir.interpret;

import org.fusionc.ir.Value;

/** A value and the elements that it has by hand. */
@SuppressWarnings("ArrayRecordComponent") // Written down, never compared.
record HandCase(String name, Subject subject, double... expected) {
  interface Subject {
    Value build(Hand h);
  }
}
