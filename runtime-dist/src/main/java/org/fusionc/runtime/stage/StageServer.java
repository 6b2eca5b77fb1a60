package org.fusionc.runtime.stage;

import org.fusionc.runtime.proto.StageServiceGrpc;

/** Offers a host's stages to coordinators and to other peers. */
public final class StageServer extends StageServiceGrpc.StageServiceImplBase {
  private final StageHost host;

  public StageServer(StageHost host) {
    this.host = host;
  }

  /** Tells all runs that this process is about to leave, and takes no new ones. */
  public void drain() {
    host.drain();
  }
}
