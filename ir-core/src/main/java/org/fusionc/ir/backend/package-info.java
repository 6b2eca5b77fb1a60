/**
 * What every backend implements and every runtime uses: a {@link org.fusionc.ir.backend.Backend}
 * says what it supports, legalises and compiles a function into an {@link
 * org.fusionc.ir.backend.Executable}, which runs ragged batches against a paged KV cache. Nothing
 * here knows a device.
 */
@NullMarked
package org.fusionc.ir.backend;

import org.jspecify.annotations.NullMarked;
