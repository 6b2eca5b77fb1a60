/** One file per pass or rewrite; {@code Pipelines} is the readable list. */
@NullMarked
package org.fusionc.passes;

import org.jspecify.annotations.NullMarked;
