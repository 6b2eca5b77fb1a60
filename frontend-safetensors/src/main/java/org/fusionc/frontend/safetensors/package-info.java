/**
 * Hugging Face directories (config.json, safetensors files) to FIR.
 *
 * <p>A {@link org.fusionc.frontend.safetensors.Checkpoint} is such a directory; its {@link
 * org.fusionc.frontend.safetensors.ModelConfig} says what the model is, and its {@link
 * org.fusionc.frontend.safetensors.SafetensorsFile}s hold the weights, memory-mapped and never
 * copied. {@link org.fusionc.frontend.safetensors.RandomCheckpoint} writes directories of the same
 * kind with random weights.
 */
@NullMarked
package org.fusionc.frontend.safetensors;

import org.jspecify.annotations.NullMarked;
