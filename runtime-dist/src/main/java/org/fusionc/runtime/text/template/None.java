package org.fusionc.runtime.text.template;

/** Python's None. */
enum None {
  NONE
}
