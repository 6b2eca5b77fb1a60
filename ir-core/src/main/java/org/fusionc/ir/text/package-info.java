/**
 * FIR as text: {@link org.fusionc.ir.text.FirPrinter} writes a module and {@link
 * org.fusionc.ir.text.FirParser} reads it back, so that parse(print(m)) = m, and printing what was
 * read from a formatted text gives that text. Neither recurses over the graph.
 */
@NullMarked
package org.fusionc.ir.text;

import org.jspecify.annotations.NullMarked;
