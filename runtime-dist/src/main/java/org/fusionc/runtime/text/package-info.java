/**
 * Text in and out of a model: a {@link org.fusionc.runtime.text.Tokenizer} turns text into ids and
 * back, a {@link org.fusionc.runtime.text.TextStream} does the way back one id at a time, and a
 * {@link org.fusionc.runtime.text.StopStrings} ends a stream at a given string. Nothing here
 * touches a network.
 */
@NullMarked
package org.fusionc.runtime.text;

import org.jspecify.annotations.NullMarked;
