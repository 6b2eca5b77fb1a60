package org.fusionc.broker.state;

/**
 * A peer that holds a stage, or is ordered to.
 *
 * @param address where it is reached now
 * @param ready whether it can serve at once
 */
public record Holder(String peer, String address, boolean ready) {}
