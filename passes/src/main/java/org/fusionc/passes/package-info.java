/**
 * The passes, one file each with its equation on top, and {@link org.fusionc.passes.Pipelines}: the
 * readable list of what runs when, and why there. A pass knows neither weight bytes nor devices.
 */
@NullMarked
package org.fusionc.passes;

import org.jspecify.annotations.NullMarked;
