package org.fusionc.runtime.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStat;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobServerTest {
  private static final long LARGEST = 8 << 20;

  @TempDir Path folder;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();

  @AfterEach
  void stop() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
  }

  @Test
  void givesTheBytesFromAnOffsetOn() throws Exception {
    var directory = BlobDirectory.open(folder, LARGEST);
    var bytes = bytes(3_000_001);
    var digest = directory.store(bytes);
    var channel = serve(BlobServer.readOnly(directory));
    for (int offset : new int[] {0, 1, 524_288, 3_000_000, 3_000_001}) {
      assertThat(get(channel, digest.toString(), offset))
          .isEqualTo(Arrays.copyOfRange(bytes, offset, bytes.length));
    }
    assertRefused(() -> get(channel, digest.toString(), 3_000_002), Status.Code.OUT_OF_RANGE);
    assertRefused(() -> get(channel, digest.toString(), -1), Status.Code.OUT_OF_RANGE);
    assertRefused(() -> get(channel, Digest.of(new byte[1]).toString(), 0), Status.Code.NOT_FOUND);
    assertRefused(() -> get(channel, "sha256:../../x", 0), Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void saysWhatIsHere() throws Exception {
    var directory = BlobDirectory.open(folder, LARGEST);
    var whole = directory.store(bytes(7));
    var part = Digest.of(bytes(9));
    try (var writer = directory.write(part, 9)) {
      writer.append(0, java.nio.ByteBuffer.allocate(4));
    }
    var none = Digest.of(bytes(11));
    var channel = serve(BlobServer.readOnly(directory));
    var reply =
        BlobServiceGrpc.newBlockingStub(channel)
            .stat(
                BlobStatRequest.newBuilder()
                    .addAllDigests(List.of(none + "", whole + "", part + ""))
                    .build());
    assertThat(reply.getBlobsList())
        .containsExactly(stat(none, false, 0), stat(whole, true, 7), stat(part, false, 4));
    assertRefused(
        () ->
            BlobServiceGrpc.newBlockingStub(channel)
                .stat(BlobStatRequest.newBuilder().addDigests("md5:1").build()),
        Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void takesBlobsAndGoesOnWhereOneEnded() throws Exception {
    var directory = BlobDirectory.open(folder, LARGEST);
    var channel = serve(BlobServer.writable(directory));
    var bytes = bytes(100_000);
    var digest = Digest.of(bytes);
    assertThat(status(put(channel, digest, bytes, 100_000, 0, 40_000)))
        .isEqualTo(Status.Code.ABORTED);
    assertThat(directory.state(digest)).isEqualTo(new BlobDirectory.State(false, 40_000));
    assertThat(put(channel, digest, bytes, 100_000, 40_000, 100_000).join())
        .isEqualTo(stat(digest, true, 100_000));
    assertThat(put(channel, digest, bytes, 100_000, 0, 10).join())
        .isEqualTo(stat(digest, true, 100_000));
    assertThat(directory.read(digest, LARGEST)).isEqualTo(bytes);
  }

  @Test
  void refusesWhatIsWrong() throws Exception {
    var directory = BlobDirectory.open(folder, LARGEST);
    var channel = serve(BlobServer.writable(directory));
    var bytes = bytes(1000);
    var other = Digest.of(bytes(5));
    assertThat(status(put(channel, other, bytes, 1000, 0, 1000))).isEqualTo(Status.Code.DATA_LOSS);
    assertThat(status(put(channel, other, bytes, LARGEST + 1, 0, 10)))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(status(put(channel, other, bytes, 10, 0, 11)))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(status(put(channel, other, bytes, 1000, 500, 600))).isEqualTo(Status.Code.ABORTED);
    assertThat(directory.list()).isEmpty();
    var peer = serve(BlobServer.readOnly(directory));
    assertThat(status(put(peer, Digest.of(bytes), bytes, 1000, 0, 1000)))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(Files.list(folder.resolve("blobs/sha256")).filter(f -> f.toFile().length() > 0))
        .isEmpty();
  }

  private ManagedChannel serve(BlobServer blobs) throws IOException {
    var loopback = new Address("127.0.0.1", 0);
    var server = Transport.plain().server(loopback).addService(blobs).build().start();
    servers.add(server);
    var channel = Transport.plain().channel(loopback.withPort(server.getPort()));
    channels.add(channel);
    return channel;
  }

  private static byte[] get(ManagedChannel channel, String digest, long offset) {
    var all = new ByteArrayOutputStream();
    BlobServiceGrpc.newBlockingStub(channel)
        .get(BlobRequest.newBuilder().setDigest(digest).setOffset(offset).build())
        .forEachRemaining(chunk -> {
          assertThat(chunk.getOffset()).isEqualTo(offset + all.size());
          all.writeBytes(chunk.getData().toByteArray());
        });
    return all.toByteArray();
  }

  private static CompletableFuture<BlobStat> put(
      ManagedChannel channel, Digest digest, byte[] bytes, long size, int from, int to) {
    var done = new CompletableFuture<BlobStat>();
    var call =
        BlobServiceGrpc.newStub(channel)
            .put(
                new StreamObserver<>() {
                  @Override
                  public void onNext(BlobStat stat) {
                    done.complete(stat);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    done.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {}
                });
    for (int at = from; at < to; at += 1 << 14) {
      var data = ByteString.copyFrom(bytes, at, Math.min(1 << 14, to - at));
      call.onNext(
          BlobPut.newBuilder()
              .setDigest(at == from ? digest.toString() : "")
              .setSize(at == from ? size : 0)
              .setOffset(at)
              .setData(data)
              .build());
    }
    call.onCompleted();
    return done;
  }

  private static Status.Code status(CompletableFuture<BlobStat> put) {
    try {
      return Status.fromThrowable(new IllegalStateException(put.join().toString())).getCode();
    } catch (CompletionException e) {
      return Status.fromThrowable(e.getCause()).getCode();
    }
  }

  private static BlobStat stat(Digest digest, boolean complete, long bytes) {
    return BlobStat.newBuilder()
        .setDigest(digest.toString())
        .setComplete(complete)
        .setBytes(bytes)
        .build();
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Status.Code code) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
  }

  private static byte[] bytes(int size) {
    var bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }
}
