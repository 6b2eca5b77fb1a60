package org.fusionc.ir.diagnostic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipFile;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IoReasonTest {
  @TempDir Path temp = Path.of("");

  private static String reason(ThrowingCallable work) {
    return IoReason.of(catchThrowableOfType(IOException.class, work));
  }

  @Test
  void whatTheSystemDoesIsSaidInWords() throws IOException {
    var file = Files.write(temp.resolve("file"), new byte[] {(byte) 0xC3, 0x28});
    assertThat(reason(() -> Files.readString(temp))).isEqualTo("it is a directory");
    assertThat(reason(() -> Files.readString(temp.resolve("none"))))
        .isEqualTo("there is no such file or directory");
    assertThat(reason(() -> Files.readString(file))).isEqualTo("it is not text in UTF-8");
    assertThat(reason(() -> Files.readString(file.resolve("x"))))
        .isEqualTo("a part of its path is not a directory");
    assertThat(reason(() -> Files.createDirectories(file)))
        .isEqualTo("there is a file of that name");
    assertThat(reason(() -> new ZipFile(temp.toFile()).close())).isEqualTo("it is a directory");
    assertThat(reason(() -> Files.delete(temp))).isEqualTo("the directory is not empty");
  }

  @Test
  void thereIsAlwaysAReason() {
    assertThat(IoReason.of(new AccessDeniedException("f"))).isEqualTo("permission is denied");
    assertThat(IoReason.of(new EOFException())).isEqualTo("it ends too early");
    assertThat(IoReason.of(new FileSystemException("f"))).isEqualTo("the system does not say why");
    assertThat(IoReason.of(new IOException())).isEqualTo("the system does not say why");
    assertThat(IoReason.of(new FileSystemException("f", null, "No space left on device")))
        .isEqualTo("no space left on device");
    assertThat(IoReason.of(new IOException("EIO"))).isEqualTo("EIO");
  }
}
