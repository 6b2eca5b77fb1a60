/**
 * Passes. {@link org.fusionc.ir.pass.Pass} is what a plug-in implements; {@link
 * org.fusionc.ir.pass.PassRegistry} finds passes, in plug-in jars too; {@link
 * org.fusionc.ir.pass.Pipeline} is a list of passes with options, as text; {@link
 * org.fusionc.ir.pass.PassManager} runs one, verifies after each pass, and keeps what fired and
 * what nearly did as {@link org.fusionc.ir.pass.Finding}s.
 */
@NullMarked
package org.fusionc.ir.pass;

import org.jspecify.annotations.NullMarked;
