package org.fusionc.runtime.peer;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.proto.Segment;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.stage.SegmentKey;
import org.fusionc.runtime.stage.SegmentLoad;
import org.jspecify.annotations.Nullable;

/** All segments that a peer holds, is getting, or is giving up. */
final class Holdings {
  /** Blobs that no segment needs any more are kept so long, since orders often change back. */
  private static final Duration GRACE = Duration.ofMinutes(10);

  /** Kept free on the disk, for everything else that lives there. */
  private static final long SPARE = 64L << 20;

  private final Workshop workshop;
  private final Map<SegmentKey, Holding> holdings = new LinkedHashMap<>();
  private final Map<SegmentKey, Holding> ending = new LinkedHashMap<>();
  private Map<SegmentKey, Segment> ordered = Map.of();
  private boolean everOrdered;
  private boolean closed;

  Holdings(java.util.function.Function<Holdings, Workshop> workshop) {
    this.workshop = workshop.apply(this);
  }

  /** Takes up what is to be held from now on, and gives up the rest. */
  synchronized void order(List<Segment> segments) {
    var wanted = new LinkedHashMap<SegmentKey, Segment>();
    for (var segment : segments) {
      var digest = segment.getPlanDigest().toByteArray();
      wanted.put(SegmentKey.of(segment.getDeployment(), digest, segment.getStage()), segment);
    }
    ordered = wanted;
    everOrdered = true;
    apply();
  }

  private synchronized void apply() {
    if (closed) {
      return;
    }
    for (var holding : List.copyOf(holdings.values())) {
      var order = ordered.get(holding.key());
      if (order == null || differs(order, holding.order())) {
        holdings.remove(holding.key());
        ending.put(holding.key(), holding);
        workshop.events().accept(holding.key() + ": not ordered any more");
        holding.end(() -> ended(holding));
      }
    }
    ordered.forEach((key, order) -> {
      // One that is still being given up comes back once that is done.
      if (!holdings.containsKey(key) && !ending.containsKey(key)) {
        holdings.put(key, new Holding(key, order, workshop));
      }
    });
  }

  private static boolean differs(Segment one, Segment other) {
    return one.getPages() != other.getPages()
        || one.getPageTokens() != other.getPageTokens()
        || !one.getManifest().equals(other.getManifest());
  }

  private synchronized void ended(Holding holding) {
    ending.remove(holding.key());
    touch(holding.blobs());
    notifyAll();
    apply();
  }

  /** Their grace begins now. */
  private void touch(Set<Digest> blobs) {
    var now = java.nio.file.attribute.FileTime.from(java.time.Instant.now());
    for (var blob : blobs) {
      workshop
          .data()
          .blobs()
          .find(blob)
          .ifPresent(file -> {
            try {
              java.nio.file.Files.setLastModifiedTime(file, now);
            } catch (IOException e) {
              Peer.LOG.warn("{}: {}", file, e.toString());
            }
          });
    }
  }

  /** Deletes blobs that no segment has needed for a while. */
  void clean() {
    clean(GRACE);
  }

  private synchronized void clean(Duration grace) {
    var all = new ArrayList<>(holdings.values());
    all.addAll(ending.values());
    // After a start nobody knows what will be ordered, and at first not what is needed for it.
    if (!everOrdered || !all.stream().allMatch(Holding::blobsKnown)) {
      return;
    }
    var keep = new HashSet<Digest>();
    var manifests = new HashSet<Digest>();
    for (var holding : all) {
      keep.addAll(holding.blobs());
      Digest.parse(holding.order().getManifest()).ifPresent(manifests::add);
    }
    try {
      long freed = workshop.data().blobs().deleteOthers(keep, grace);
      workshop.data().deleteOtherArtifacts(manifests);
      if (freed > 0) {
        workshop
            .events()
            .accept("deleted blobs that no segment needs, " + MemoryBudget.text(freed));
      }
    } catch (IOException e) {
      Peer.LOG.warn("old blobs were not deleted: {}", e.toString());
    }
  }

  /** Deletes what is not needed at once, if the disk is too full for so many bytes more. */
  void makeRoom(long bytes) {
    try {
      if (workshop.data().blobs().free() < bytes + SPARE) {
        clean(Duration.ZERO);
      }
    } catch (IOException e) {
      Peer.LOG.warn("the disk's free space is not known: {}", e.toString());
    }
  }

  /** For the report. */
  synchronized List<SegmentState> states() {
    var loads = workshop.host().loads();
    var states = new ArrayList<SegmentState>();
    holdings.values().forEach(h -> states.add(state(h, loads.get(h.key()))));
    // A segment that is being given up is reported as long as runs use it.
    ready(ending()).forEach(h -> states.add(h.state().setRuns(1).build()));
    return states;
  }

  private static SegmentState state(Holding holding, @Nullable SegmentLoad load) {
    var state = holding.state();
    if (load != null) {
      state
          .setRuns(load.runs())
          .setQueued(load.queued())
          .setBusy(load.busy())
          .setNanosPerToken(load.nanosPerToken());
    }
    return state.build();
  }

  /** How many runs use segments now; one at least for each segment that cannot be freed yet. */
  int runs() {
    int ending = (int) ready(this.ending()).count();
    return ending + workshop.host().loads().values().stream().mapToInt(SegmentLoad::runs).sum();
  }

  private synchronized List<Holding> ending() {
    return List.copyOf(ending.values());
  }

  private static Stream<Holding> ready(List<Holding> holdings) {
    return holdings.stream().filter(h -> h.phase() == SegmentState.Phase.READY);
  }

  /** Gives up everything that is not ready, and takes nothing more. */
  void stop() {
    synchronized (this) {
      closed = true;
      for (var holding : List.copyOf(holdings.values())) {
        if (holding.phase() != SegmentState.Phase.READY) {
          holdings.remove(holding.key());
          holding.end(() -> {});
        }
      }
    }
  }
}
