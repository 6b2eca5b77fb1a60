/**
 * The Jinja language, as far as chat templates use it, with Python's semantics and the settings of
 * Hugging Face's transformers: blocks are trimmed and left-stripped, the sandbox is immutable, loop
 * controls exist.
 *
 * <p>A {@link org.fusionc.runtime.text.template.Template} is parsed into records ({@code
 * Statement}, {@code Expression}) that an {@code Interpreter} walks. Values are Python's: {@code
 * None.NONE}, {@code Boolean}, {@code Long}, {@code Double}, {@code String}, lists, {@code Tuple},
 * maps, and {@code Undefined}. Templates come with models from anywhere, so they reach no Java
 * object and no file, and the steps they may take are counted. What is not supported is a
 * diagnostic with its line.
 */
@NullMarked
package org.fusionc.runtime.text.template;

import org.jspecify.annotations.NullMarked;
