/**
 * The portable kernels, written in the JDK Vector API.
 *
 * <p>Every kernel reads and writes contiguous little-endian native memory, and runs on a {@link
 * org.fusionc.backend.cpu.parallel.ComputePool}. Each element of a result is computed by the same
 * operations in the same order whatever the batch, the number of threads and the way the work was
 * cut, so a token's logits have the same bits alone or among others. The number of vector lanes
 * does enter: another kind of machine may differ in the last bits.
 *
 * <p>Kernels check the sizes of what they are given once, then address memory without further
 * checks. The memory must stay alive during the call.
 */
@NullMarked
package org.fusionc.backend.cpu.kernel;

import org.jspecify.annotations.NullMarked;
