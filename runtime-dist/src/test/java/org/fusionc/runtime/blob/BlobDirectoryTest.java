package org.fusionc.runtime.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import org.fusionc.runtime.artifact.Digest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobDirectoryTest {
  private static final byte[] BYTES = "ten bytes!".getBytes(StandardCharsets.UTF_8);
  private static final Digest DIGEST = Digest.of(BYTES);

  @TempDir Path folder;

  @Test
  void aBlobIsHereOnceItIsWholeAndVerified() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    try (var writer = directory.write(DIGEST, BYTES.length)) {
      writer.append(0, ByteBuffer.wrap(BYTES, 0, 4));
      assertThat(directory.has(DIGEST)).isFalse();
      assertThat(directory.state(DIGEST)).isEqualTo(new BlobDirectory.State(false, 4));
      writer.append(4, ByteBuffer.wrap(BYTES, 4, 6));
      writer.finish();
    }
    assertThat(Files.readAllBytes(folder.resolve("blobs/sha256").resolve(DIGEST.hex())))
        .isEqualTo(BYTES);
    assertThat(directory.state(DIGEST)).isEqualTo(new BlobDirectory.State(true, 10));
    assertThat(directory.list()).containsExactly(DIGEST);
    assertThat(directory.bytes()).isEqualTo(10);
    assertThat(directory.read(DIGEST, 10)).isEqualTo(BYTES);
    assertThatThrownBy(() -> directory.read(DIGEST, 9)).hasMessageContaining("more than 9");
  }

  @Test
  void writingGoesOnWhereItEnded() throws Exception {
    for (int cut = 0; cut <= BYTES.length; cut++) {
      var directory = BlobDirectory.open(folder.resolve("cut" + cut), 1000);
      try (var writer = directory.write(DIGEST, BYTES.length)) {
        writer.append(0, ByteBuffer.wrap(BYTES, 0, cut));
      }
      try (var writer = BlobDirectory.open(directory.root(), 1000).write(DIGEST, BYTES.length)) {
        assertThat(writer.position()).isEqualTo(cut);
        writer.append(cut, ByteBuffer.wrap(BYTES, cut, BYTES.length - cut));
        writer.finish();
      }
      assertThat(directory.read(DIGEST, 10)).isEqualTo(BYTES);
      assertThat(directory.bytes()).isEqualTo(10);
    }
  }

  @Test
  void wrongBytesAreDeletedAndTheirDigestIsSaid() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    var wrong = Arrays.copyOf(BYTES, 10);
    wrong[3] ^= 1;
    try (var writer = directory.write(DIGEST, 10)) {
      writer.append(0, ByteBuffer.wrap(wrong));
      assertThatThrownBy(writer::finish)
          .isInstanceOfSatisfying(
              BlobException.class, e -> assertThat(e.kind()).isEqualTo(BlobException.Kind.DAMAGED))
          .hasMessageContaining(Digest.of(wrong).toString());
    }
    assertThat(directory.bytes()).isZero();
    assertThat(directory.state(DIGEST)).isEqualTo(new BlobDirectory.State(false, 0));
  }

  @Test
  void whatDoesNotFitIsRefused() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    assertKind(() -> directory.write(DIGEST, 1001), BlobException.Kind.TOO_LARGE);
    var vast = BlobDirectory.open(folder, Long.MAX_VALUE);
    assertKind(() -> vast.write(DIGEST, Long.MAX_VALUE), BlobException.Kind.NO_SPACE);
    try (var writer = directory.write(DIGEST, 10)) {
      assertKind(() -> directory.write(DIGEST, 10), BlobException.Kind.BUSY);
      assertKind(() -> writer.append(1, ByteBuffer.allocate(1)), BlobException.Kind.OUT_OF_ORDER);
      assertKind(() -> writer.append(0, ByteBuffer.allocate(11)), BlobException.Kind.TOO_LARGE);
      assertKind(writer::finish, BlobException.Kind.OUT_OF_ORDER);
    }
    try (var again = directory.write(DIGEST, 10)) {
      assertThat(again.position()).isZero();
    }
  }

  @Test
  void aPartialBlobThatIsTooLongBeginsAnew() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    Files.write(folder.resolve("blobs/sha256/" + DIGEST.hex() + ".part"), new byte[11]);
    try (var writer = directory.write(DIGEST, 10)) {
      assertThat(writer.position()).isZero();
    }
  }

  @Test
  void deletesWhatIsNotToBeKept() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    var kept = directory.store(BYTES);
    var other = directory.store("other".getBytes(StandardCharsets.UTF_8));
    try (var writer = directory.write(Digest.of(new byte[3]), 3)) {
      writer.append(0, ByteBuffer.allocate(2));
      assertThat(directory.deleteOthers(Set.of(kept), Duration.ofMinutes(10))).isZero();
      assertThat(directory.deleteOthers(Set.of(kept), Duration.ZERO)).isEqualTo(5);
      assertThat(writer.position()).isEqualTo(2);
    }
    assertThat(directory.has(other)).isFalse();
    assertThat(directory.deleteOthers(Set.of(kept), Duration.ZERO)).isEqualTo(2);
    assertThat(directory.bytes()).isEqualTo(10);
    directory.delete(kept);
    assertThat(directory.bytes()).isZero();
  }

  @Test
  void anEmptyBlobIsABlob() throws Exception {
    var directory = BlobDirectory.open(folder, 1000);
    assertThat(directory.has(directory.store(new byte[0]))).isTrue();
  }

  private interface Action {
    void run() throws IOException;
  }

  private static void assertKind(Action action, BlobException.Kind kind) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(BlobException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }
}
