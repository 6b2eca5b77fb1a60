/**
 * The fixed pool of threads that the kernels compute on. It hands a range of work to threads that
 * are already awake in about a microsecond, because a decoder step is hundreds of such hand-offs.
 */
@NullMarked
package org.fusionc.backend.cpu.parallel;

import org.jspecify.annotations.NullMarked;
