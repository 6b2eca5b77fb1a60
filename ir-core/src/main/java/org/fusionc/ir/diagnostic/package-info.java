/**
 * What fusionc says to a person when something is wrong: a {@link
 * org.fusionc.ir.diagnostic.Diagnostic} names the place, the problem and the remedy, and belongs to
 * a {@link org.fusionc.ir.diagnostic.Failure} kind that fixes the exit code.
 */
@NullMarked
package org.fusionc.ir.diagnostic;

import org.jspecify.annotations.NullMarked;
