package org.fusionc.runtime.cluster;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.artifact.Artifact;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStat;
import org.fusionc.runtime.proto.BlobStatReply;
import org.fusionc.runtime.proto.BlobStatRequest;

/** Puts an artifact's blobs at a broker, only those and only as much of each as it has not. */
public final class ArtifactPush {
  private static final int CHUNK = 512 << 10;
  private static final int DIGESTS = 4096;

  /** Hears how much of what was missing has been sent, in bytes. */
  @FunctionalInterface
  public interface Progress {
    void sent(long bytes, long of);
  }

  private final BlobServiceGrpc.BlobServiceStub stub;
  private final Path artifact;
  private final Progress progress;
  private final Function<StatusRuntimeException, DiagnosticException> explain;
  private long sent;
  private long missing;

  private ArtifactPush(
      BlobServiceGrpc.BlobServiceStub stub,
      Path artifact,
      Progress progress,
      Function<StatusRuntimeException, DiagnosticException> explain) {
    this.stub = stub;
    this.artifact = artifact;
    this.progress = progress;
    this.explain = explain;
  }

  /**
   * Pushes.
   *
   * @return the digest of the manifest
   */
  static String push(
      BlobServiceGrpc.BlobServiceStub stub,
      Path artifact,
      Progress progress,
      Function<StatusRuntimeException, DiagnosticException> explain) {
    return new ArtifactPush(stub, artifact, progress, explain).push();
  }

  private String push() {
    try (var opened = Artifact.open(artifact)) {
      var manifest = Manifest.parse(Files.readAllBytes(file(opened.digest())));
      // Equal weights are one blob. The manifest is the last: once it is there, all is.
      var blobs = new ArrayList<Descriptor>();
      var seen = new HashSet<String>();
      for (var blob : manifest.blobs().reversed()) {
        if (seen.add(blob.digest().toString())) {
          blobs.add(blob);
        }
      }
      var there = stat(blobs);
      for (int i = 0; i < blobs.size(); i++) {
        missing += there.get(i).getComplete() ? 0 : blobs.get(i).size() - there.get(i).getBytes();
      }
      for (int i = 0; i < blobs.size(); i++) {
        if (!there.get(i).getComplete()) {
          put(blobs.get(i), there.get(i).getBytes());
        }
      }
      return opened.digest();
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(artifact.toString()), "it cannot be read: " + IoReason.of(failure), "")
          .exception();
    }
  }

  private Path file(String digest) {
    return artifact
        .resolve("blobs")
        .resolve("sha256")
        .resolve(digest.substring(digest.indexOf(':') + 1));
  }

  private List<BlobStat> stat(List<Descriptor> blobs) {
    var all = new ArrayList<BlobStat>();
    for (int from = 0; from < blobs.size(); from += DIGESTS) {
      var request = BlobStatRequest.newBuilder();
      blobs
          .subList(from, Math.min(blobs.size(), from + DIGESTS))
          .forEach(blob -> request.addDigests(blob.digest().toString()));
      var reply = new Reply<BlobStatRequest, BlobStatReply>();
      stub.stat(request.build(), reply);
      all.addAll(await(reply).getBlobsList());
    }
    return all;
  }

  private <Q, R> R await(Reply<Q, R> reply) {
    try {
      return reply.value.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof StatusRuntimeException failure) {
        throw explain.apply(failure);
      }
      throw failed;
    }
  }

  /** Sends a blob from an offset on, no faster than it is taken. */
  private void put(Descriptor blob, long offset) throws IOException {
    var reply = new Reply<BlobPut, BlobStat>();
    var requests = (ClientCallStreamObserver<BlobPut>) stub.put(reply);
    try (var channel = FileChannel.open(file(blob.digest().toString()), StandardOpenOption.READ)) {
      var head = BlobPut.newBuilder().setDigest(blob.digest().toString()).setSize(blob.size());
      var buffer = ByteBuffer.allocate(CHUNK);
      long at = offset;
      boolean first = true;
      while ((first || at < blob.size()) && !reply.value.isDone()) {
        reply.awaitReady(requests);
        int read = Math.max(0, channel.read(buffer.clear(), at));
        if (read == 0 && at < blob.size()) {
          requests.cancel("the file is shorter than stated", null);
          throw new IOException(blob + " has " + at + " bytes instead of " + blob.size());
        }
        var message = first ? head : BlobPut.newBuilder();
        requests.onNext(message.setOffset(at).setData(ByteString.copyFrom(buffer.flip())).build());
        first = false;
        at += read;
        sent += read;
        progress.sent(sent, missing);
      }
      if (!reply.value.isDone()) {
        requests.onCompleted();
      }
      var _ = await(reply);
    }
  }

  /** The one reply of a call, and a place to wait until more may be sent. */
  private static final class Reply<Q, R> implements ClientResponseObserver<Q, R> {
    final CompletableFuture<R> value = new CompletableFuture<>();
    private final Semaphore ready = new Semaphore(0);

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> requests) {
      requests.setOnReadyHandler(ready::release);
    }

    void awaitReady(ClientCallStreamObserver<Q> requests) {
      while (!requests.isReady() && !value.isDone()) {
        ready.acquireUninterruptibly();
      }
    }

    @Override
    public void onNext(R reply) {
      value.complete(reply);
      ready.release();
    }

    @Override
    public void onError(Throwable failure) {
      value.completeExceptionally(failure);
      ready.release();
    }

    @Override
    public void onCompleted() {
      value.completeExceptionally(new IllegalStateException("a call ended without a reply"));
      ready.release();
    }
  }
}
