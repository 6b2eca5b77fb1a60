/** Running compiled models: artifacts, executors, KV cache, sampling, scheduling. */
@NullMarked
package org.fusionc.runtime;

import org.jspecify.annotations.NullMarked;
