/** An example plug-in. */
@NullMarked
package org.fusionc.examples.foldscale;

import org.jspecify.annotations.NullMarked;
