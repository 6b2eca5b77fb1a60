package org.fusionc.runtime.cluster;

import org.fusionc.runtime.net.Address;

/**
 * A peer that holds a stage, compiled and loaded.
 *
 * @param peer its name; a peer that was restarted elsewhere has the same name and another address
 */
public record Holder(String peer, Address address) {
  @Override
  public String toString() {
    return peer + " (" + address + ")";
  }
}
