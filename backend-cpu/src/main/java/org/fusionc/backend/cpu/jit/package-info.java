/**
 * Kernels in machine code, generated from descriptions.
 *
 * <p>A description says what a kernel computes and in which shape: the format of the weights, how
 * many rows and columns it does at once, the {@link org.fusionc.backend.cpu.jit.Target} that it is
 * for. What it says is compiled once per process, when it is first needed. A row's result is the
 * same to the bit in every shape, so that it does not matter in which company a row is computed.
 *
 * <p>Linear layers ({@link org.fusionc.backend.cpu.jit.PackedLinear}) have their weights in panels
 * ({@code PanelLayout}). {@code Tiles} cuts rows by panels into tasks for threads, {@code Product}
 * a task into tiles, and a tile is a kernel ({@code TileCode}, with what a step computes in {@code
 * IntegerTile} and {@code FloatTile}). {@code GatedProduct} does two products' panels in turns and
 * gates what they give.
 *
 * <p>Attention ({@link org.fusionc.backend.cpu.jit.PagedAttention}) is a tile of scores, a softmax
 * for each row, and a tile of values, chunk by chunk of the context; what is appended to the cache
 * is laid out for these tiles.
 */
@NullMarked
package org.fusionc.backend.cpu.jit;

import org.jspecify.annotations.NullMarked;
