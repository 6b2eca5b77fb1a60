/** Hugging Face directories (config.json, safetensors files) to FIR. */
@NullMarked
package org.fusionc.frontend.safetensors;

import org.jspecify.annotations.NullMarked;
