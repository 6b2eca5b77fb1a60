package org.fusionc.runtime.blob;

import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatRequest;

/**
 * Fetches blobs into a directory from whoever has them. A transfer that is cut off goes on at the
 * byte where it ended, from another source if there is one. A source that gave wrong bytes is not
 * asked again for a while.
 */
public final class BlobFetcher {
  /**
   * How to fetch.
   *
   * @param parallel blobs at once
   * @param rounds how often all sources are tried without a byte gained before a blob is given up
   * @param pause before the second round; doubled from round to round, up to 5 s
   * @param call the longest one call may last; a transfer goes on with the next call
   * @param shun how long a source is not asked that gave wrong bytes
   */
  public record Options(int parallel, int rounds, Duration pause, Duration call, Duration shun) {
    public static Options defaults() {
      return new Options(
          3, 6, Duration.ofMillis(200), Duration.ofSeconds(30), Duration.ofMinutes(5));
    }
  }

  /** Told how it goes, by several threads. */
  public interface Progress {
    /** So many of all bytes are here. */
    void bytes(long here, long total);

    /** Something went wrong and was got round, or will be tried again. */
    default void trouble(String what) {}
  }

  private final BlobDirectory directory;
  private final Options options;
  private final Avoided avoided;

  public BlobFetcher(BlobDirectory directory, Options options) {
    this.directory = directory;
    this.options = options;
    avoided = new Avoided(options.shun());
  }

  public BlobDirectory directory() {
    return directory;
  }

  /** Sources that gave wrong bytes, by name. */
  public Set<String> avoided() {
    return avoided.names();
  }

  /**
   * Fetches what is not here yet.
   *
   * @param wanted their sizes are known, from the manifest
   * @param sources asked anew for each round, best first
   * @throws DiagnosticException if a blob is not to be had, saying from whom and why
   * @throws InterruptedException if the thread is interrupted; what has come is kept
   */
  public void fetch(
      Collection<Descriptor> wanted, Supplier<List<BlobSource>> sources, Progress progress)
      throws InterruptedException {
    var missing = new LinkedHashMap<Digest, Descriptor>();
    long total = 0;
    long here = 0;
    for (var blob : wanted) {
      if (missing.putIfAbsent(blob.digest(), blob) == null) {
        total += blob.size();
        here += directory.state(blob.digest()).complete() ? blob.size() : 0;
      }
    }
    missing.keySet().removeIf(directory::has);
    fetch(missing, sources, new Meter(progress, total, here));
  }

  /**
   * How large a blob is that no manifest tells of.
   *
   * @param limit the most bytes that it may have
   * @throws DiagnosticException if nobody says, or it is larger
   */
  public long size(Digest digest, List<BlobSource> sources, long limit) {
    var reasons = new LinkedHashMap<String, String>();
    for (var source : sources) {
      try {
        source.channel().resetConnectBackoff();
        var stat =
            BlobServiceGrpc.newBlockingStub(source.channel())
                .withDeadlineAfter(options.call().toMillis(), TimeUnit.MILLISECONDS)
                .stat(BlobStatRequest.newBuilder().addDigests(digest.toString()).build())
                .getBlobs(0);
        if (stat.getComplete() && stat.getBytes() <= limit) {
          return stat.getBytes();
        }
        reasons.put(
            source.name(), stat.getComplete() ? "it is larger than " + limit : "it is not here");
      } catch (StatusRuntimeException failure) {
        reasons.put(source.name(), BlobDownload.reason(failure));
      }
    }
    throw BlobDownload.failed(
        directory, "nobody gave %s: %s".formatted(digest, reasons), BlobDownload.REMEDY);
  }

  private void fetch(
      Map<Digest, Descriptor> missing, Supplier<List<BlobSource>> sources, Meter meter)
      throws InterruptedException {
    meter.add(0);
    var permits = new Semaphore(options.parallel);
    int turn = 0;
    var running = new ArrayList<Future<?>>();
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    try {
      for (var blob : missing.values()) {
        var download = new BlobDownload(directory, options, avoided, blob, turn++, sources, meter);
        running.add(
            threads.submit(() -> {
              permits.acquire();
              try {
                download.run();
              } finally {
                permits.release();
              }
              return null;
            }));
      }
      for (var one : running) {
        one.get();
      }
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof DiagnosticException diagnostic) {
        throw diagnostic;
      }
      throw new IllegalStateException(failure.getCause());
    } finally {
      threads.shutdownNow();
      threads.close();
    }
  }

  /** Who gave wrong bytes, and until when that is held against them. */
  static final class Avoided {
    private final Duration time;
    private final Map<String, Instant> until = new ConcurrentHashMap<>();

    Avoided(Duration time) {
      this.time = time;
    }

    void add(String source) {
      until.put(source, Instant.now().plus(time));
    }

    boolean contains(String source) {
      var end = until.get(source);
      return end != null && Instant.now().isBefore(end);
    }

    Set<String> names() {
      return until.keySet().stream().filter(this::contains).collect(Collectors.toUnmodifiableSet());
    }
  }

  /** Counts bytes for the progress; those of a damaged blob are taken back. */
  static final class Meter {
    private final Progress progress;
    private final long total;
    private final AtomicLong here;

    Meter(Progress progress, long total, long here) {
      this.progress = progress;
      this.total = total;
      this.here = new AtomicLong(here);
    }

    void add(long bytes) {
      progress.bytes(here.addAndGet(bytes), total);
    }

    void trouble(String what) {
      progress.trouble(what);
    }
  }
}
