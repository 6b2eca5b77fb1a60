package org.fusionc.broker.state;

/**
 * A stage of a plan of a deployment.
 *
 * @param digest of the plan's text, hexadecimal
 */
public record SegmentKey(String deployment, String digest, int stage) {}
