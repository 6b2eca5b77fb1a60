/**
 * A small assembler for x86-64 and memory to run its code from.
 *
 * <p>{@link org.fusionc.backend.cpu.x86.Instruction} is a table of vector instructions: opcode,
 * operand order, what memory is read. {@link org.fusionc.backend.cpu.x86.Assembler} encodes any row
 * of it with a VEX or an EVEX prefix, whichever is the shorter that can say it. Encodings are those
 * of the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */
@NullMarked
package org.fusionc.backend.cpu.x86;

import org.jspecify.annotations.NullMarked;
