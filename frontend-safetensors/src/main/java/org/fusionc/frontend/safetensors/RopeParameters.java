package org.fusionc.frontend.safetensors;

/**
 * A model's rotary embedding, in whichever generation of config.json it was written.
 *
 * @param theta the base of the frequencies, such as 10000
 * @param partialRotaryFactor the share of a head's dimensions that is rotated, in (0, 1]
 */
public record RopeParameters(double theta, double partialRotaryFactor, RopeScaling scaling) {}
