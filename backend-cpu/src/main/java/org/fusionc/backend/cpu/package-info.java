/**
 * The CPU backend. {@link org.fusionc.backend.cpu.KernelTable} says which kernel runs which op;
 * {@link org.fusionc.backend.cpu.ProgramCompiler} turns a function into a {@link
 * org.fusionc.backend.cpu.Program}, a list of steps over a planned arena; the kernels themselves
 * are in {@code kernel}, the thread pool in {@code parallel}.
 */
@NullMarked
package org.fusionc.backend.cpu;

import org.jspecify.annotations.NullMarked;
