package org.fusionc.broker.state;

/** From one peer to another, by name. */
public record Link(String from, String to) implements Comparable<Link> {
  @Override
  public int compareTo(Link other) {
    int byFrom = from.compareTo(other.from);
    return byFrom != 0 ? byFrom : to.compareTo(other.to);
  }
}
