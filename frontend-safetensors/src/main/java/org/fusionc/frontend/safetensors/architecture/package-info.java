/**
 * The table of architectures: what a family of decoders is made of, said in a page of text per
 * family instead of a class.
 *
 * <p>A row ({@code architectures/*.arch}) gives each feature of {@code decoder.arch}, the
 * vocabulary, as an expression over the fields of config.json, and each weight as the name of its
 * tensor. {@link org.fusionc.frontend.safetensors.architecture.ArchitectureTable} finds the row of
 * a model, {@link org.fusionc.frontend.safetensors.architecture.Features} evaluates it.
 */
@NullMarked
package org.fusionc.frontend.safetensors.architecture;

import org.jspecify.annotations.NullMarked;
