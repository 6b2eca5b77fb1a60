/**
 * The definitions of LLM and kernel ops in terms of lower ones: what an op means, as ops. Tensor
 * ops and the few primitives that read the batch or the KV cache have none.
 */
@NullMarked
package org.fusionc.ir.decompose;

import org.jspecify.annotations.NullMarked;
