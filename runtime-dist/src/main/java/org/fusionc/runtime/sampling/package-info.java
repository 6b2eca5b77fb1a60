/**
 * Choosing the next token: {@link org.fusionc.runtime.sampling.SamplingOptions} say how, a {@link
 * org.fusionc.runtime.sampling.Sampler} does it as a pure function of logits and history, and
 * {@link org.fusionc.runtime.sampling.GenerationConfig} is what a model's authors recommend.
 */
@NullMarked
package org.fusionc.runtime.sampling;

import org.jspecify.annotations.NullMarked;
