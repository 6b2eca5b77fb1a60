package org.fusionc.broker.store;

/**
 * What must hold for a transaction to be applied.
 *
 * @param modified the key's revision; 0 if it must be absent
 */
public record Compare(String key, long modified) {
  public static Compare absent(String key) {
    return new Compare(key, 0);
  }
}
