package org.fusionc.runtime.text.template;

/** A place in a template, 1-based. */
record Position(int line, int column) {}
