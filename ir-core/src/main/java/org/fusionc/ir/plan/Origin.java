package org.fusionc.ir.plan;

import org.fusionc.ir.diagnostic.Location;

/**
 * Where a line of a plan was written, for messages. All origins are equal, so that two plans are
 * equal when they say the same, wherever they stand.
 */
public final class Origin {
  /** The origin of what a person did not write. */
  public static final Origin NONE = new Origin(Location.unknown());

  private final Location location;

  private Origin(Location location) {
    this.location = location;
  }

  public static Origin at(Location location) {
    return new Origin(location);
  }

  public Location location() {
    return location;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Origin;
  }

  @Override
  public int hashCode() {
    return 0;
  }

  @Override
  public String toString() {
    return location.toString();
  }
}
