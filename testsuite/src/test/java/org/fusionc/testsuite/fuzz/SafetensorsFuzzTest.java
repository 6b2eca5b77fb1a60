package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.fusionc.frontend.safetensors.SafetensorsFile;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** A safetensors file: refused with a reason, or every tensor lies within it. */
class SafetensorsFuzzTest {
  @TempDir private static Path folder;

  static Stream<byte[]> seeds() {
    return Stream.of(
        file("{}", 0),
        file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", 16),
        file(
            "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"BF16\",\"shape\":[3],"
                + "\"data_offsets\":[0,6]},\"b\":{\"dtype\":\"I64\",\"shape\":[],"
                + "\"data_offsets\":[6,14]}}   ",
            14),
        file(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
                + "\"data_offsets\":[0,0]}}",
            0),
        file("[".repeat(2000), 0),
        new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{'});
  }

  private static byte[] file(String header, int data) {
    byte[] text = Seeds.of(header);
    return ByteBuffer.allocate(8 + text.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void files(byte[] input) throws IOException {
    var path = folder.resolve("model.safetensors");
    Files.deleteIfExists(path);
    Files.write(path, input);
    try (var arena = Arena.ofConfined()) {
      var file = SafetensorsFile.open(path, arena);
      for (var tensor : file.tensors().values()) {
        assertThat(tensor.offset()).isBetween(8L, (long) input.length);
        assertThat(file.bytes(tensor.name()).byteSize()).isEqualTo(tensor.length());
      }
    } catch (DiagnosticException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    }
  }
}
