package org.fusionc.broker.state;

import org.jspecify.annotations.Nullable;

/**
 * A peer that has joined, here or lost.
 *
 * @param instance a UUID: the same peer after a restart
 * @param address HOST:PORT at which others reach it
 * @param memory bytes that it may use
 * @param kind of its device, as a plan writes it
 * @param speed null until it has been measured
 * @param losses how often its lease has run out
 */
public record Peer(
    String name,
    String instance,
    String address,
    long memory,
    String kind,
    int threads,
    String version,
    @Nullable PeerSpeed speed,
    int losses,
    PeerState state) {
  /** The device that a plan's stage names for this peer. */
  public String device() {
    return name + ".cpu";
  }

  /** The peer that a plan's device names: {@code NAME} or {@code NAME.cpu}. */
  public static String ofDevice(String device) {
    return device.endsWith(".cpu") ? device.substring(0, device.length() - 4) : device;
  }

  public Peer with(PeerState other) {
    int lost = other == PeerState.LOST && state != PeerState.LOST ? losses + 1 : losses;
    return new Peer(name, instance, address, memory, kind, threads, version, speed, lost, other);
  }

  public Peer with(PeerSpeed measured) {
    var now = speed == null ? measured : speed.towards(measured);
    return new Peer(name, instance, address, memory, kind, threads, version, now, losses, state);
  }

  public PeerSpeed speedOrAssumed() {
    return speed == null ? PeerSpeed.ASSUMED : speed;
  }
}
