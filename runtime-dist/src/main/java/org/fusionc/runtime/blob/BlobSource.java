package org.fusionc.runtime.blob;

import io.grpc.ManagedChannel;

/**
 * Somebody who may have blobs.
 *
 * @param name for messages: its address
 */
public record BlobSource(String name, ManagedChannel channel) {
  @Override
  public String toString() {
    return name;
  }
}
