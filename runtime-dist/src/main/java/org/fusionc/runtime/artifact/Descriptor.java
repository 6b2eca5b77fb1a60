package org.fusionc.runtime.artifact;

/**
 * One blob and what it is.
 *
 * @param name its name within the artifact, such as {@code weights/layers.0.attn.q}
 * @param size in bytes
 */
public record Descriptor(String name, String mediaType, Digest digest, long size) {
  @Override
  public String toString() {
    return "blob " + digest + " ('" + name + "', " + mediaType + ")";
  }
}
