/**
 * The op set. Most of this package is generated from the op table (src/main/ops): a record per op,
 * the builder {@link org.fusionc.ir.op.Ops}, the list {@link org.fusionc.ir.op.OpTable}. Written by
 * hand are the type inference and the constraints that the table's patterns cannot say, and what
 * attributes' names stand for.
 */
@NullMarked
package org.fusionc.ir.op;

import org.jspecify.annotations.NullMarked;
