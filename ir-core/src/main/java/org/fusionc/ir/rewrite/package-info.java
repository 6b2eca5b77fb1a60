/**
 * Rewriting. A {@link org.fusionc.ir.rewrite.Rewrite} is a {@code switch} over record patterns that
 * answers what an op becomes; {@link org.fusionc.ir.rewrite.Rewriter} walks functions with it, to a
 * fixpoint, and keeps order, names, locations and comments. {@link org.fusionc.ir.rewrite.Uses} and
 * {@link org.fusionc.ir.rewrite.Reachable} are the two questions that passes ask of a function.
 * Nothing here recurses over a graph.
 */
@NullMarked
package org.fusionc.ir.rewrite;

import org.jspecify.annotations.NullMarked;
