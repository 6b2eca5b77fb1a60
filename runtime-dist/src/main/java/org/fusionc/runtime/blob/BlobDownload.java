package org.fusionc.runtime.blob;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;

/** Gets one blob, whole, from whichever source gives it. */
final class BlobDownload {
  static final String REMEDY =
      "see that the broker runs and has the artifact's blobs; deploying it again puts them there";

  private static final long LONGEST_PAUSE_MILLIS = 5000;
  private static final long BUSY_PAUSE_MILLIS = 50;

  private final BlobDirectory directory;
  private final BlobFetcher.Options options;
  private final BlobFetcher.Avoided avoided;
  private final Descriptor blob;
  private final int turn;
  private final Supplier<List<BlobSource>> sources;
  private final BlobFetcher.Meter meter;

  /** Why each source did not give it, the last time. */
  private final Map<String, String> reasons = new LinkedHashMap<>();

  /** Whose bytes are in the partial blob; the empty name stands for an earlier process. */
  private final Set<String> contributors = new HashSet<>();

  private long counted;

  BlobDownload(
      BlobDirectory directory,
      BlobFetcher.Options options,
      BlobFetcher.Avoided avoided,
      Descriptor blob,
      int turn,
      Supplier<List<BlobSource>> sources,
      BlobFetcher.Meter meter) {
    this.directory = directory;
    this.options = options;
    this.avoided = avoided;
    this.blob = blob;
    this.turn = turn;
    this.sources = sources;
    this.meter = meter;
  }

  void run() throws InterruptedException {
    int fruitless = 0;
    while (true) {
      long before = counted;
      var round = round();
      if (round == Round.DONE) {
        return;
      }
      if (round == Round.BUSY) {
        Thread.sleep(BUSY_PAUSE_MILLIS);
        continue;
      }
      fruitless = counted > before ? 0 : fruitless + 1;
      if (round == Round.NOWHERE || fruitless >= options.rounds()) {
        throw gaveUp();
      }
      pause(fruitless);
    }
  }

  private enum Round {
    DONE,
    /** Another download of this process is getting it: there is nothing to do but wait. */
    BUSY,
    /** Something went wrong that may pass. */
    TROUBLE,
    /** Every source says that it does not have it, or is not to be asked. */
    NOWHERE
  }

  /** Asks every source once; blobs begin with different ones, so that the load spreads. */
  private Round round() throws InterruptedException {
    var candidates = new ArrayList<>(sources.get());
    // The last is the broker, which has all: peers are asked first, to spare it.
    int peers = candidates.size() - 1;
    var outcome = Round.NOWHERE;
    for (int i = 0; i < candidates.size(); i++) {
      var source = candidates.get(i < peers ? (i + turn) % peers : i);
      if (avoided.contains(source.name())) {
        reasons.put(source.name(), "it gave wrong bytes before");
        continue;
      }
      try {
        if (from(source)) {
          return Round.DONE;
        }
        outcome = Round.TROUBLE;
      } catch (StatusRuntimeException failure) {
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedException();
        }
        boolean absent = failure.getStatus().getCode() == Status.Code.NOT_FOUND;
        outcome = absent ? outcome : Round.TROUBLE;
        reasons.put(source.name(), reason(failure));
      } catch (BlobException refused) {
        if (refused.kind() == BlobException.Kind.BUSY) {
          return Round.BUSY;
        }
        reasons.put(source.name(), String.valueOf(refused.getMessage()));
        if (refused.kind() == BlobException.Kind.NO_SPACE) {
          throw failed(String.valueOf(refused.getMessage()), "make room on the disk");
        }
        outcome = Round.TROUBLE;
      } catch (IOException failure) {
        throw failed(
            "the blob cannot be written: " + IoReason.of(failure),
            "check the data directory's disk");
      }
    }
    return outcome;
  }

  static String reason(StatusRuntimeException failure) {
    var status = failure.getStatus();
    var text = status.getDescription();
    var cause = status.getCause();
    return text == null || (cause != null && cause.getMessage() != null)
        ? status.getCode() + (cause == null ? "" : ": " + cause.getMessage())
        : text;
  }

  /** Whether the blob is here now. */
  private boolean from(BlobSource source) throws IOException {
    if (directory.has(blob.digest())) {
      count(blob.size());
      return true;
    }
    try (var writer = directory.write(blob.digest(), blob.size())) {
      if (writer.position() == 0) {
        contributors.clear();
      } else if (contributors.isEmpty()) {
        contributors.add("");
      }
      count(writer.position());
      receive(source, writer);
      return finish(source, writer);
    }
  }

  private boolean finish(BlobSource source, BlobWriter writer) throws IOException {
    try {
      writer.finish();
      return true;
    } catch (BlobException wrong) {
      if (wrong.kind() != BlobException.Kind.DAMAGED) {
        throw wrong;
      }
      count(0);
      // Where several gave parts of it, nobody knows whose was wrong: it is fetched anew, from one.
      boolean sole = contributors.equals(Set.of(source.name()));
      if (sole) {
        avoided.add(source.name());
      }
      reasons.put(source.name(), "it gave wrong bytes");
      meter.trouble(
          "%s is damaged as %s gave it: %s%s"
              .formatted(
                  blob,
                  sole ? source : String.join(" and ", contributors),
                  wrong.getMessage(),
                  sole ? "; " + source + " is not asked for a while" : ""));
      return false;
    }
  }

  private void receive(BlobSource source, BlobWriter writer) throws IOException {
    while (writer.position() < writer.size()) {
      long begin = writer.position();
      try {
        receiveOnce(source, writer);
        if (writer.position() < writer.size()) {
          throw Status.DATA_LOSS
              .withDescription("it gave %d of %d bytes".formatted(writer.position(), writer.size()))
              .asRuntimeException();
        }
      } catch (StatusRuntimeException failure) {
        // A call has an end so that a source that has fallen silent is found out; one that still
        // gives bytes is called again.
        if (failure.getStatus().getCode() != Status.Code.DEADLINE_EXCEEDED
            || writer.position() == begin) {
          throw failure;
        }
      }
    }
  }

  private void receiveOnce(BlobSource source, BlobWriter writer) throws IOException {
    var request =
        BlobRequest.newBuilder()
            .setDigest(blob.digest().toString())
            .setOffset(writer.position())
            .build();
    // How often to try is decided here, not by the channel.
    source.channel().resetConnectBackoff();
    var context = Context.current().withCancellation();
    var previous = context.attach();
    try {
      var chunks =
          BlobServiceGrpc.newBlockingStub(source.channel())
              .withDeadlineAfter(options.call().toMillis(), TimeUnit.MILLISECONDS)
              .get(request);
      while (chunks.hasNext()) {
        var chunk = chunks.next();
        contributors.add(source.name());
        writer.append(chunk.getOffset(), chunk.getData().asReadOnlyByteBuffer());
        count(writer.position());
      }
    } finally {
      context.detach(previous);
      // Ends the call if it did not end by itself.
      context.cancel(new CancellationException("the transfer is over"));
    }
  }

  private void count(long position) {
    meter.add(position - counted);
    counted = position;
  }

  private void pause(int fruitless) throws InterruptedException {
    long millis =
        Math.min(LONGEST_PAUSE_MILLIS, options.pause().toMillis() << Math.min(fruitless, 16));
    if (!reasons.isEmpty()) {
      meter.trouble("%s: %s; trying again".formatted(blob, reasons));
    }
    Thread.sleep(millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2 + 1));
  }

  private DiagnosticException gaveUp() {
    return failed(
        reasons.isEmpty()
            ? "nobody is known who has " + blob
            : "nobody gave %s: %s".formatted(blob, reasons),
        "see that the broker runs and has the artifact's blobs; deploying it again puts them"
            + " there");
  }

  private DiagnosticException failed(String what, String remedy) {
    return failed(directory, what, remedy);
  }

  static DiagnosticException failed(BlobDirectory directory, String what, String remedy) {
    return Diagnostic.failed(Location.named(directory.toString()), what, remedy).exception();
  }
}
