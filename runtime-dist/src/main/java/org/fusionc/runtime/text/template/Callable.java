package org.fusionc.runtime.text.template;

/** Something a template can call: a function, a method bound to its object, a macro. */
@FunctionalInterface
interface Callable {
  Object call(Arguments arguments);
}
