package org.fusionc.runtime.text.template;

/**
 * What a name or key without a value gives: empty text, false, nothing to iterate over; anything
 * else done with it is an error.
 *
 * @param what how to speak of it in a message, such as {@code 'tools'}
 */
record Undefined(String what) {
  TemplateError error() {
    return new TemplateError(what + " is undefined");
  }
}
