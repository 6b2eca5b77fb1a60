package org.fusionc.partitioner.cluster;

/**
 * A link as stated, between machines.
 *
 * @param both whether it holds in both directions
 */
public record MachineLink(String from, String to, boolean both, LinkSpeed speed) {
  boolean connects(String source, String target) {
    return (from.equals(source) && to.equals(target))
        || (both && from.equals(target) && to.equals(source));
  }
}
