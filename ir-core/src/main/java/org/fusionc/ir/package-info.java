/**
 * FIR: typed values, immutable ops, functions and modules. A {@link org.fusionc.ir.Graph} interns
 * values, so that two equal pure expressions are one object; {@link org.fusionc.ir.OpSchema} is an
 * op's entry in the op table; {@link org.fusionc.ir.FunctionBuilder} is how functions are made.
 */
@NullMarked
package org.fusionc.ir;

import org.jspecify.annotations.NullMarked;
