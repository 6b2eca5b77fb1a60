/**
 * The reference interpreter: slow, obvious, and separate from every backend. There is one evaluator
 * per op of the table; each mirrors the op's formula in a few lines, computes in double precision,
 * and rounds each result once to its dtype. It is the oracle for passes and backends, and runs as
 * the backend {@code interp} as well.
 */
@NullMarked
package org.fusionc.ir.interpret;

import org.jspecify.annotations.NullMarked;
