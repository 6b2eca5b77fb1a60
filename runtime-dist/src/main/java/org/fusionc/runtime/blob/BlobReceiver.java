package org.fusionc.runtime.blob;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Function;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobStat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One Put: writes what comes, as fast as the disk takes it. */
final class BlobReceiver implements StreamObserver<BlobPut> {
  private static final Logger LOG = LoggerFactory.getLogger(BlobReceiver.class);

  /** A sender that says nothing for so long is dropped, so that another may write the blob. */
  private static final Duration SILENCE = Duration.ofSeconds(30);

  private final BlobDirectory directory;
  private final StreamObserver<BlobStat> replies;
  private final Function<Digest, BlobStat> stat;
  private final Thread watch;
  private volatile long heard = System.nanoTime();
  private @Nullable Digest digest;
  private @Nullable BlobWriter writer;
  private boolean ended;

  BlobReceiver(
      BlobDirectory directory, StreamObserver<BlobStat> replies, Function<Digest, BlobStat> stat) {
    this.directory = directory;
    this.replies = replies;
    this.stat = stat;
    watch = Thread.ofVirtual().name("blob-put-watch").start(this::watch);
  }

  private void watch() {
    try {
      while (true) {
        long left = SILENCE.toNanos() - (System.nanoTime() - heard);
        if (left <= 0) {
          refuse(Status.DEADLINE_EXCEEDED, "nothing has come for " + SILENCE.toSeconds() + " s");
          return;
        }
        Thread.sleep(Duration.ofNanos(left));
      }
    } catch (InterruptedException over) {
      // The transfer has ended.
    }
  }

  @Override
  public synchronized void onNext(BlobPut message) {
    heard = System.nanoTime();
    if (ended) {
      return;
    }
    try {
      if (digest == null && !begin(message)) {
        return;
      }
      if (writer != null) {
        writer.append(message.getOffset(), message.getData().asReadOnlyByteBuffer());
      }
    } catch (IOException e) {
      refuse(e);
    }
  }

  private boolean begin(BlobPut first) throws IOException {
    var parsed = Digest.parse(first.getDigest());
    if (parsed.isEmpty()) {
      refuse(Status.INVALID_ARGUMENT, "the first message must say the blob's digest and size");
      return false;
    }
    digest = parsed.get();
    // One that is here already is taken to be put: what comes is not looked at.
    if (!directory.has(digest)) {
      writer = directory.write(digest, first.getSize());
      if (first.getOffset() == 0 && writer.position() > 0) {
        writer.restart();
      }
    }
    return true;
  }

  @Override
  public synchronized void onError(Throwable failure) {
    end();
    if (digest != null) {
      LOG.info("putting {} was cut off: {}", digest, failure.getMessage());
    }
  }

  @Override
  public synchronized void onCompleted() {
    if (ended) {
      return;
    }
    if (digest == null) {
      refuse(Status.INVALID_ARGUMENT, "no blob was named");
      return;
    }
    try {
      if (writer != null) {
        writer.finish();
        LOG.info("stored {}, {} bytes", digest, writer.size());
      }
      end();
      replies.onNext(stat.apply(digest));
      replies.onCompleted();
    } catch (IOException e) {
      refuse(e);
    }
  }

  private void refuse(IOException failure) {
    var status =
        failure instanceof BlobException blob
            ? switch (blob.kind()) {
              case DAMAGED -> Status.DATA_LOSS;
              case BUSY, OUT_OF_ORDER -> Status.ABORTED;
              case TOO_LARGE -> Status.INVALID_ARGUMENT;
              case NO_SPACE -> Status.RESOURCE_EXHAUSTED;
            }
            : Status.INTERNAL;
    refuse(status, String.valueOf(failure.getMessage()));
  }

  private synchronized void refuse(Status status, String why) {
    if (!ended) {
      LOG.warn("refused a blob: {}", why);
      end();
      BlobServer.refuse(replies, status, why);
    }
  }

  private void end() {
    ended = true;
    watch.interrupt();
    if (writer != null) {
      try {
        writer.close();
      } catch (IOException e) {
        LOG.warn("a blob's file was not closed: {}", e.toString());
      }
    }
  }
}
