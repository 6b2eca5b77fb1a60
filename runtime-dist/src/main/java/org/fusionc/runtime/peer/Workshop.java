package org.fusionc.runtime.peer;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.fusionc.ir.backend.Backend;
import org.fusionc.runtime.blob.BlobFetcher;
import org.fusionc.runtime.blob.BlobSource;
import org.fusionc.runtime.stage.StageHost;

/**
 * What segments are made with.
 *
 * @param compiling few threads; weights are loaded one segment at a time
 * @param threads that compute a stage
 * @param events a line each, for people
 * @param addresses makes sources of peers' addresses, and adds the broker
 * @param room makes room on the disk for so many bytes, if it is short
 */
record Workshop(
    DataDirectory data,
    BlobFetcher fetcher,
    StageHost host,
    MemoryBudget budget,
    Backend backend,
    int threads,
    ExecutorService compiling,
    Consumer<String> events,
    Function<List<String>, List<BlobSource>> addresses,
    LongConsumer room) {

  List<BlobSource> sources(List<String> peers) {
    return addresses.apply(peers);
  }

  void makeRoom(long bytes) {
    room.accept(bytes);
  }
}
