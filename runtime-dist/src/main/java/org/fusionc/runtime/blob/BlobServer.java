package org.fusionc.runtime.blob;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.proto.BlobChunk;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStat;
import org.fusionc.runtime.proto.BlobStatReply;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Offers the blobs of a directory to others, and at the broker takes new ones. */
public final class BlobServer extends BlobServiceGrpc.BlobServiceImplBase {
  private static final Logger LOG = LoggerFactory.getLogger(BlobServer.class);

  /** What is lost of a chunk when the connection is cut; small enough not to matter. */
  private static final int CHUNK = 128 << 10;

  private static final int MOST_DIGESTS = 65536;

  private final BlobDirectory directory;
  private final boolean writable;

  private BlobServer(BlobDirectory directory, boolean writable) {
    this.directory = directory;
    this.writable = writable;
  }

  /** Gives blobs out and takes none. */
  public static BlobServer readOnly(BlobDirectory directory) {
    return new BlobServer(directory, false);
  }

  /** Gives blobs out and takes new ones. */
  public static BlobServer writable(BlobDirectory directory) {
    return new BlobServer(directory, true);
  }

  @Override
  public void get(BlobRequest request, StreamObserver<BlobChunk> replies) {
    var digest = Digest.parse(request.getDigest());
    var file = digest.flatMap(directory::find);
    if (digest.isEmpty()) {
      refuse(replies, Status.INVALID_ARGUMENT, "this is no digest: sha256: and 64 hex digits");
    } else if (file.isEmpty()) {
      refuse(replies, Status.NOT_FOUND, digest.get() + " is not here");
    } else {
      try {
        var channel = FileChannel.open(file.get(), StandardOpenOption.READ);
        new Sender(channel, request.getOffset(), (ServerCallStreamObserver<BlobChunk>) replies)
            .begin();
      } catch (IOException e) {
        refuse(replies, Status.NOT_FOUND, digest.get() + " cannot be read: " + IoReason.of(e));
      }
    }
  }

  /** Sends a file as fast as the receiver takes it. */
  private static final class Sender {
    private final FileChannel channel;
    private final ServerCallStreamObserver<BlobChunk> replies;
    private long offset;
    private boolean done;

    Sender(FileChannel channel, long offset, ServerCallStreamObserver<BlobChunk> replies) {
      this.channel = channel;
      this.offset = offset;
      this.replies = replies;
    }

    void begin() throws IOException {
      long size = channel.size();
      if (offset < 0 || offset > size) {
        channel.close();
        refuse(
            replies,
            Status.OUT_OF_RANGE,
            "there is no byte %s of %d".formatted(Long.toUnsignedString(offset), size));
        return;
      }
      // Both handlers run one after the other, as all callbacks of a call do.
      replies.setOnReadyHandler(this::send);
      replies.setOnCancelHandler(this::end);
      send();
    }

    private synchronized void send() {
      try {
        while (!done && replies.isReady()) {
          var bytes = ByteBuffer.allocate((int) Math.min(CHUNK, channel.size() - offset));
          while (bytes.hasRemaining() && channel.read(bytes, offset + bytes.position()) >= 0) {}
          bytes.flip();
          if (!bytes.hasRemaining()) {
            end();
            replies.onCompleted();
            return;
          }
          long at = offset;
          offset += bytes.remaining();
          // The buffer is not touched again, so it need not be copied.
          replies.onNext(
              BlobChunk.newBuilder()
                  .setOffset(at)
                  .setData(UnsafeByteOperations.unsafeWrap(bytes))
                  .build());
        }
      } catch (IOException e) {
        end();
        refuse(replies, Status.DATA_LOSS, "the blob cannot be read: " + IoReason.of(e));
      }
    }

    private synchronized void end() {
      done = true;
      try {
        channel.close();
      } catch (IOException e) {
        LOG.warn("a blob's file was not closed: {}", e.toString());
      }
    }
  }

  @Override
  public void stat(BlobStatRequest request, StreamObserver<BlobStatReply> replies) {
    if (request.getDigestsCount() > MOST_DIGESTS) {
      refuse(replies, Status.INVALID_ARGUMENT, "at most " + MOST_DIGESTS + " digests at a time");
      return;
    }
    var reply = BlobStatReply.newBuilder();
    for (var text : request.getDigestsList()) {
      var digest = Digest.parse(text);
      if (digest.isEmpty()) {
        refuse(replies, Status.INVALID_ARGUMENT, "this is no digest: sha256: and 64 hex digits");
        return;
      }
      reply.addBlobs(stat(digest.get()));
    }
    replies.onNext(reply.build());
    replies.onCompleted();
  }

  private BlobStat stat(Digest digest) {
    var state = directory.state(digest);
    return BlobStat.newBuilder()
        .setDigest(digest.toString())
        .setComplete(state.complete())
        .setBytes(state.bytes())
        .build();
  }

  @Override
  public StreamObserver<BlobPut> put(StreamObserver<BlobStat> replies) {
    if (!writable) {
      refuse(replies, Status.PERMISSION_DENIED, "blobs are put at the broker, not at a peer");
      return new Ignored();
    }
    return new BlobReceiver(directory, replies, digest -> stat(digest));
  }

  /** What comes after a refusal. */
  private static final class Ignored implements StreamObserver<BlobPut> {
    @Override
    public void onNext(BlobPut message) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  static void refuse(StreamObserver<?> replies, Status status, String why) {
    replies.onError(status.withDescription(why).asRuntimeException());
  }
}
