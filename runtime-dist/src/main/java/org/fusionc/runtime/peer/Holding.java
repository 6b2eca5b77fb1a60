package org.fusionc.runtime.peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.text.FirParser;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.blob.BlobFetcher;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.proto.Segment;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.proto.SegmentState.Phase;
import org.fusionc.runtime.stage.SegmentKey;
import org.fusionc.runtime.stage.StageProgram;
import org.jspecify.annotations.Nullable;

/** One segment that was ordered: fetched, compiled and offered, again and again until it is. */
final class Holding {
  private static final long LONGEST_PAUSE_MILLIS = 60_000;
  private static final String MODULE = "module.fir";

  private final SegmentKey key;
  private final Segment order;
  private final Workshop workshop;
  private final Thread thread;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile Phase phase = Phase.FETCHING;
  private volatile double progress;
  private volatile String message = "";
  private volatile long bytes;
  private volatile double seconds;
  private volatile Set<Digest> blobs = Set.of();
  private volatile boolean blobsKnown;
  private volatile @Nullable ModelSource source;

  /** Begins at once. */
  Holding(SegmentKey key, Segment order, Workshop workshop) {
    this.key = key;
    this.order = order;
    this.workshop = workshop;
    thread = Thread.ofVirtual().name("hold " + key).start(this::run);
  }

  SegmentKey key() {
    return key;
  }

  Segment order() {
    return order;
  }

  Phase phase() {
    return phase;
  }

  /** Its blobs, as far as they are known. */
  Set<Digest> blobs() {
    return blobs;
  }

  /** Whether {@link #blobs} is all of them. */
  boolean blobsKnown() {
    return blobsKnown;
  }

  SegmentState.Builder state() {
    return SegmentState.newBuilder()
        .setDeployment(order.getDeployment())
        .setPlanDigest(order.getPlanDigest())
        .setStage(order.getStage())
        .setPhase(phase)
        .setProgress(progress)
        .setMessage(message)
        .setBytes(bytes)
        .setLoadSeconds(seconds);
  }

  private void run() {
    long pause = 500;
    while (!ended.get()) {
      try {
        get();
        return;
      } catch (InterruptedException over) {
        return;
      } catch (DiagnosticException | IOException failure) {
        failed(String.valueOf(failure.getMessage()), pause);
      } catch (RuntimeException | Error defect) {
        Peer.LOG.error("{}: defect", key, defect);
        failed("internal error: " + defect, pause);
      }
      try {
        Thread.sleep(pause);
      } catch (InterruptedException over) {
        return;
      }
      pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2);
    }
  }

  private void failed(String why, long pause) {
    drop();
    if (!why.equals(message)) {
      workshop.events().accept("%s: FAILED: %s; trying again".formatted(key, why));
    }
    message = why;
    phase = Phase.FAILED;
    progress = 0;
    Peer.LOG.warn("{}: failed, again in {} ms: {}", key, pause, why);
  }

  private void get() throws InterruptedException, IOException {
    long begin = System.nanoTime();
    var plan = plan();
    // A failure stays to be seen until a later attempt gets further than the earlier one did.
    if (message.isEmpty()) {
      phase = Phase.FETCHING;
    }
    var manifest = manifest();
    var opened = source(manifest);
    source = opened;
    var program =
        compute(() -> StageProgram.compile(opened, plan, order.getStage(), workshop.backend()));
    long positions = (long) order.getPages() * order.getPageTokens();
    var figures = SegmentFigures.of(program, plan, positions);
    workshop.budget().hold(key, figures.total(), figures.toString());
    bytes = figures.total();
    fetchWeights(manifest, program);
    phase = Phase.COMPILING;
    progress = 0;
    message = "";
    workshop.events().accept(key + ": compiling");
    var segment = compute(() -> load(opened, program));
    bytes = segment.bytes();
    try {
      workshop.budget().hold(key, segment.bytes(), "weights, KV cache and activations");
    } catch (DiagnosticException tooLarge) {
      segment.close();
      throw tooLarge;
    }
    if (ended.get()) {
      segment.close();
      throw new InterruptedException();
    }
    workshop.host().add(segment);
    seconds = (System.nanoTime() - begin) / 1e9;
    progress = 1;
    phase = Phase.READY;
    workshop
        .events()
        .accept(
            String.format(
                Locale.ROOT,
                "%s: ready in %.1f s, holding %s",
                key,
                seconds,
                MemoryBudget.text(bytes)));
  }

  private org.fusionc.runtime.stage.Segment load(ModelSource opened, StageProgram program) {
    var settings = new Backend.Options(workshop.threads(), order.getPages(), order.getPageTokens());
    return org.fusionc.runtime.stage.Segment.load(
        opened, program, key, workshop.backend(), settings);
  }

  private Plan plan() {
    var digest = Digest.of(order.getPlan().getBytes(StandardCharsets.UTF_8));
    var place = Location.named(key.toString());
    if (!digest.hex().equals(key.planDigest())) {
      throw Diagnostic.invalid(
              place, "the plan's text has the digest " + digest, "deploy the model again")
          .exception();
    }
    if (order.getPages() < 1 || order.getPageTokens() < 1) {
      throw Diagnostic.invalid(place, "it is to have no pages", "deploy the model again")
          .exception();
    }
    return FirParser.parse(order.getPlan(), "plan", new Graph(), OpRegistry.builtIn())
        .plan()
        .orElseThrow(() ->
            Diagnostic.invalid(place, "the order has no plan", "deploy the model again")
                .exception());
  }

  /** The manifest, with the config and the module, which every stage needs. */
  private Manifest manifest() throws InterruptedException, IOException {
    var digest =
        Digest.parse(order.getManifest())
            .orElseThrow(() ->
                Diagnostic.invalid(
                        Location.named(key.toString()),
                        "'" + order.getManifest() + "' is no digest",
                        "deploy the model again")
                    .exception());
    blobs = Set.of(digest);
    var store = workshop.data().blobs();
    if (!store.has(digest)) {
      long size = workshop.fetcher().size(digest, sources(), Manifest.MAX_BYTES);
      fetch(
          List.of(
              new Descriptor(
                  "manifest", org.fusionc.runtime.artifact.MediaTypes.MANIFEST, digest, size)));
    }
    var manifest = Manifest.parse(store.read(digest, Manifest.MAX_BYTES));
    var first = new ArrayList<Descriptor>();
    first.add(manifest.config());
    var module = manifest.parts().get(MODULE);
    if (module != null) {
      first.add(module);
    }
    keep(first);
    fetch(first);
    return manifest;
  }

  private ModelSource source(Manifest manifest) throws IOException {
    return ModelSource.open(workshop.data().artifact(manifest), null);
  }

  private void fetchWeights(Manifest manifest, StageProgram program) throws InterruptedException {
    var wanted = new ArrayList<Descriptor>();
    for (var symbol : program.storedWeights()) {
      var part = manifest.parts().get(symbol);
      if (part == null) {
        throw Diagnostic.invalid(
                Location.named("manifest " + manifest.self().digest()),
                "the weight @" + symbol + " is not among its parts",
                "compile the model again")
            .exception();
      }
      wanted.add(part);
    }
    keep(wanted);
    blobsKnown = true;
    var store = workshop.data().blobs();
    var missing = wanted.stream().filter(part -> !store.has(part.digest())).toList();
    workshop
        .events()
        .accept(
            missing.isEmpty()
                ? "%s: all %d blobs are here".formatted(key, wanted.size())
                : "%s: fetching %d of %d blobs, %s"
                    .formatted(
                        key,
                        missing.size(),
                        wanted.size(),
                        MemoryBudget.text(missing.stream().mapToLong(Descriptor::size).sum())));
    fetch(wanted);
  }

  private void keep(List<Descriptor> more) {
    var all = new HashSet<>(blobs);
    more.forEach(part -> all.add(part.digest()));
    blobs = Set.copyOf(all);
  }

  private void fetch(List<Descriptor> wanted) throws InterruptedException {
    long missing =
        wanted.stream()
            .filter(part -> !workshop.data().blobs().has(part.digest()))
            .mapToLong(Descriptor::size)
            .sum();
    workshop.makeRoom(missing);
    workshop
        .fetcher()
        .fetch(
            wanted,
            this::sources,
            new BlobFetcher.Progress() {
              @Override
              public void bytes(long here, long total) {
                progress = total == 0 ? 1 : (double) here / total;
              }

              @Override
              public void trouble(String what) {
                Peer.LOG.warn("{}: {}", key, what);
              }
            });
  }

  private List<org.fusionc.runtime.blob.BlobSource> sources() {
    return workshop.sources(order.getSourcesList());
  }

  private <T> T compute(Callable<T> work) throws InterruptedException {
    return compute(workshop.compiling(), work);
  }

  /**
   * Computing is for threads of its own: there are few, and others wait on virtual ones. What has
   * begun is waited for, also by whoever is interrupted meanwhile: it uses the source, which must
   * not be closed under it, and somebody must free what it gives.
   *
   * @throws InterruptedException if the thread is interrupted before the work has begun, which then
   *     never does
   */
  static <T> T compute(ExecutorService threads, Callable<T> work) throws InterruptedException {
    // A future that is cancelled while it runs says only that nobody will see its result.
    var taken = new AtomicBoolean();
    var done =
        threads.submit(() -> {
          if (!taken.compareAndSet(false, true)) {
            throw new CancellationException("nobody waits for it any more");
          }
          return work.call();
        });
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return done.get();
        } catch (InterruptedException later) {
          if (taken.compareAndSet(false, true)) {
            done.cancel(false);
            throw later;
          }
          interrupted = true;
        } catch (ExecutionException failure) {
          switch (failure.getCause()) {
            case RuntimeException known -> throw known;
            case Error error -> throw error;
            case null, default -> throw new IllegalStateException(failure.getCause());
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Gives it up: at once if it is not ready, else when no run uses it.
   *
   * @param done called once everything has been freed
   */
  void end(Runnable done) {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    thread.interrupt();
    Thread.ofVirtual()
        .name("end " + key)
        .start(() -> {
          org.fusionc.runtime.exec.Pipeline.join(thread);
          try {
            workshop.host().retire(key).join();
          } finally {
            drop();
            done.run();
          }
        });
  }

  private void drop() {
    workshop.budget().free(key);
    bytes = 0;
    var open = source;
    source = null;
    if (open != null) {
      open.close();
    }
  }
}
