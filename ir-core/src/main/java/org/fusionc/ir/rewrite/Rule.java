package org.fusionc.ir.rewrite;

/**
 * A rewrite with the name under which statistics and {@code fusionc explain} speak of it.
 *
 * @param name lower case with hyphens, as in {@code fuse-add-rms-norm}
 */
public record Rule(String name, Rewrite rewrite) {}
