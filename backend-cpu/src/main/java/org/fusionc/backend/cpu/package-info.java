/** The CPU backend: legalise, compile, run. */
@NullMarked
package org.fusionc.backend.cpu;

import org.jspecify.annotations.NullMarked;
