/**
 * The grammars of FIR text and of the op table, and the generator that turns the table into Java.
 */
@NullMarked
package org.fusionc.grammar;

import org.jspecify.annotations.NullMarked;
