/**
 * What comes from outside, mutated. Each class has one target, which runs over its seeds in every
 * build and is fuzzed with {@code -Pfuzz}: a target fails if anything but what its first lines
 * allow comes out of the code.
 */
@org.jspecify.annotations.NullMarked
package org.fusionc.testsuite.fuzz;
