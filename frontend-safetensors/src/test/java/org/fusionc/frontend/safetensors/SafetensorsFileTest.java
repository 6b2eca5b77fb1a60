package org.fusionc.frontend.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {
  @TempDir private Path directory;
  private Path path;
  private final Arena arena = Arena.ofConfined();

  @BeforeEach
  void name() {
    path = directory.resolve("model.safetensors");
  }

  @AfterEach
  void unmap() {
    arena.close();
  }

  /** A file of this header (with ' for ") and as many bytes of data, numbered from 0. */
  private SafetensorsFile file(String header, int dataLength) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataLength).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    for (int i = 0; i < dataLength; i++) {
      bytes.put((byte) i);
    }
    return file(bytes.array());
  }

  private SafetensorsFile file(byte[] bytes) throws IOException {
    Files.write(path, bytes);
    return SafetensorsFile.open(path, arena);
  }

  private interface Action {
    void run() throws IOException;
  }

  private DiagnosticException failure(Action action) {
    var failure = catchThrowableOfType(DiagnosticException.class, action::run);
    assertThat(failure).as("a diagnostic").isNotNull();
    assertThat(failure.failure()).isEqualTo(Failure.INVALID_INPUT);
    assertThat(failure).hasMessageContaining(path.toString());
    assertThat(failure.diagnostics().getFirst().remedy()).isNotEmpty();
    return failure;
  }

  @Test
  void readsTensorsInTheOrderOfTheirBytes() throws IOException {
    SafetensorsFile file =
        file(
            """
            {'__metadata__': {'format': 'pt'},
             'b': {'dtype': 'U8', 'shape': [3], 'data_offsets': [4, 7]},
             'empty': {'dtype': 'F32', 'shape': [2, 0], 'data_offsets': [4, 4]},
             'a': {'dtype': 'F32', 'shape': [], 'data_offsets': [0, 4]}}
            """,
            7);
    assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
    assertThat(file.tensors().keySet()).containsExactly("a", "empty", "b");
    StoredTensor b = file.require("b");
    assertThat(b.dtype()).isEqualTo(StoredDtype.U8);
    assertThat(b.shape()).containsExactly(3L);
    assertThat(b.file()).isEqualTo("model.safetensors");
    assertThat(b.length()).isEqualTo(3);
    assertThat(b.end()).isEqualTo(Files.size(path));
    assertThat(file.bytes("b").toArray(ValueLayout.JAVA_BYTE)).containsExactly(4, 5, 6);
    assertThat(file.bytes("b").isReadOnly()).isTrue();
    assertThat(file.bytes("a").byteSize()).isEqualTo(4);
    assertThat(file.bytes("empty").byteSize()).isZero();
  }

  @Test
  void missingTensorNamesTheNearest() throws IOException {
    SafetensorsFile file =
        file("{'wte.weight': {'dtype': 'U8', 'shape': [1], 'data_offsets': [0, 1]}}", 1);
    assertThat(failure(() -> file.bytes("wte.wieght"))).hasMessageContaining("'wte.weight'");
    assertThat(file.find("x")).isEmpty();
  }

  private static Arguments broken(String name, int dataLength, String expected, String header) {
    return Arguments.of(name, dataLength, expected, header);
  }

  static Stream<Arguments> broken() {
    String good = "'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}";
    return Stream.of(
        broken("truncated data", 7, "the file is truncated", "{" + good + "}"),
        broken("data after the last", 9, "the last 1 bytes", "{" + good + "}"),
        broken("no JSON", 0, "not valid JSON", "{'a': nothing}"),
        broken("unterminated", 8, "not valid JSON", "{" + good),
        broken("not an object", 8, "not a JSON object", "[1]"),
        broken("empty header", 0, "not a JSON object", ""),
        broken("something after it", 8, "goes on after", "{" + good + "} {}"),
        broken("entry is no object", 0, "tensor 'a'", "{'a': 1}"),
        broken("duplicate", 8, "tensor 'a'", "{" + good + ", " + good + "}"),
        broken(
            "duplicate field",
            8,
            "'shape' twice",
            "{'a': {'dtype': 'F32', 'shape': [2], 'shape': [2], 'data_offsets': [0, 8]}}"),
        broken(
            "unknown dtype",
            8,
            "did you mean 'BF16'",
            "{'a': {'dtype': 'BF61', 'shape': [2], 'data_offsets': [0, 8]}}"),
        broken(
            "dtype no string",
            8,
            "dtype is not a string",
            "{'a': {'dtype': 1, 'shape': [2], 'data_offsets': [0, 8]}}"),
        broken("no dtype", 8, "no 'dtype'", "{'a': {'shape': [2], 'data_offsets': [0, 8]}}"),
        broken("no shape", 8, "no 'shape'", "{'a': {'dtype': 'F32', 'data_offsets': [0, 8]}}"),
        broken("no offsets", 8, "no 'data_offsets'", "{'a': {'dtype': 'F32', 'shape': [2]}}"),
        broken(
            "unknown field",
            8,
            "unknown field 'x'",
            "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8], 'x': 1}}"),
        broken(
            "one offset",
            8,
            "[begin, end]",
            "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [8]}}"),
        broken(
            "negative dimension",
            8,
            "holds -2",
            "{'a': {'dtype': 'F32', 'shape': [-2], 'data_offsets': [0, 8]}}"),
        broken(
            "fractional dimension",
            8,
            "other than an integer",
            "{'a': {'dtype': 'F32', 'shape': [2.5], 'data_offsets': [0, 8]}}"),
        broken(
            "nested dimension",
            8,
            "other than an integer",
            "{'a': {'dtype': 'F32', 'shape': [[[[2]]]], 'data_offsets': [0, 8]}}"),
        broken(
            "dimension beyond 64 bits",
            8,
            "no file can be",
            "{'a': {'dtype': 'F32', 'shape': [99999999999999999999], 'data_offsets': [0, 8]}}"),
        broken(
            "overflowing product",
            8,
            "64 bits",
            "{'a': {'dtype': 'F32', 'shape': [4294967296, 4294967296], 'data_offsets': [0, 8]}}"),
        broken(
            "half a byte",
            1,
            "no whole number of bytes",
            "{'a': {'dtype': 'F4', 'shape': [1], 'data_offsets': [0, 1]}}"),
        broken(
            "size and shape differ",
            8,
            "takes 12 bytes",
            "{'a': {'dtype': 'F32', 'shape': [3], 'data_offsets': [0, 8]}}"),
        broken(
            "end before begin",
            8,
            "end before they begin",
            "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [8, 0]}}"),
        broken(
            "offsets far beyond the file",
            8,
            "lie beyond",
            "{'a': {'dtype': 'U8', 'shape': [1], 'data_offsets': [9223372036854775806,"
                + " 9223372036854775807]}}"),
        broken(
            "overlap",
            12,
            "overlap those of tensor 'a'",
            "{" + good + ", 'b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [4, 12]}}"),
        broken(
            "hole",
            17,
            "bytes 8 to 9 before it belong to no tensor",
            "{" + good + ", 'b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [9, 17]}}"),
        broken("metadata no object", 0, "__metadata__", "{'__metadata__': 1}"),
        broken("metadata no text", 0, "'a' is not a string", "{'__metadata__': {'a': {}}}"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void brokenHeadersAreDiagnosed(String name, int dataLength, String expected, String header) {
    assertThat(failure(() -> file(header, dataLength))).hasMessageContaining(expected);
  }

  @Test
  void absurdHeaderLengths() throws IOException {
    byte[] bytes = new byte[64];
    ByteBuffer length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    length.putLong(0, 1L << 60);
    assertThat(failure(() -> file(bytes))).hasMessageContaining("1152921504606846976");
    length.putLong(0, -1);
    assertThat(failure(() -> file(bytes))).hasMessageContaining("18446744073709551615");
    length.putLong(0, 57);
    assertThat(failure(() -> file(bytes))).hasMessageContaining("only 56 follow");
    assertThat(failure(() -> file(new byte[7]))).hasMessageContaining("7 in all");
    assertThat(failure(() -> file(new byte[0]))).hasMessageContaining("0 in all");
  }

  @Test
  void headersOfOtherKindsOfText() throws IOException {
    byte[] bytes = new byte[10];
    bytes[0] = 2;
    bytes[8] = (byte) 0xC3;
    bytes[9] = (byte) 0x28;
    assertThat(failure(() -> file(bytes))).hasMessageContaining("not UTF-8");
    assertThat(failure(() -> file("{'a': " + "{'a':".repeat(100_000), 0)))
        .hasMessageContaining("tensor 'a'");
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    assertThat(failure(() -> file(pointer.getBytes(StandardCharsets.UTF_8))))
        .hasMessageContaining("git lfs pull");
  }

  @Test
  void namesFromTheFileDoNotReachTheTerminalRaw() {
    assertThat(
            failure(() ->
                file("{'\\u001b[2J': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 9]}}", 9)))
        .message()
        .doesNotContain("\u001b");
  }

  @Test
  void missingFilesAndDirectories() throws IOException {
    assertThat(failure(() -> SafetensorsFile.open(path, arena)))
        .hasMessageContaining("no such file");
    Files.createDirectory(path);
    assertThat(failure(() -> SafetensorsFile.open(path, arena))).hasMessageContaining("directory");
  }

  @Test
  void filesOfMoreThanTwoGibibytes() throws IOException {
    long elements = 3L << 30;
    String json =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, elements);
    try (var sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.writeLong(Long.reverseBytes(json.length()));
      sparse.writeBytes(json);
      sparse.setLength(8 + json.length() + elements);
      sparse.seek(8 + json.length() + elements - 1);
      sparse.write(42);
    }
    MemorySegment bytes = SafetensorsFile.open(path, arena).bytes("a");
    assertThat(bytes.byteSize()).isEqualTo(elements);
    assertThat(bytes.get(ValueLayout.JAVA_BYTE, elements - 1)).isEqualTo((byte) 42);
  }

  @Test
  void writtenFilesReadBack() throws IOException {
    var tensors =
        List.of(
            new TensorDeclaration("bytes", StoredDtype.U8, List.of(3L)),
            new TensorDeclaration("matrix \"é\"", StoredDtype.F32, List.of(2L, 2L)),
            new TensorDeclaration("scalar", StoredDtype.BF16, List.of()));
    try (var writer = SafetensorsWriter.create(path, tensors, Map.of("format", "pt"))) {
      writer.write("bytes", MemorySegment.ofArray(new byte[] {7, 8, 9}));
      writer.write("scalar", MemorySegment.ofArray(new byte[] {1, 2}));
      writer.write("matrix \"é\"", 8, ByteBuffer.wrap(new byte[] {9, 10, 11, 12, 13, 14, 15, 16}));
      writer.write("matrix \"é\"", 0, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
      assertThat(path).doesNotExist();
      writer.finish();
    }
    SafetensorsFile file = SafetensorsFile.open(path, arena);
    assertThat(file.metadata()).containsEntry("format", "pt");
    assertThat(file.tensors().keySet()).containsExactly("matrix \"é\"", "scalar", "bytes");
    assertThat(file.require("matrix \"é\"").offset() % 64).isZero();
    assertThat(file.require("matrix \"é\"").shape()).containsExactly(2L, 2L);
    assertThat(file.bytes("matrix \"é\"").toArray(ValueLayout.JAVA_BYTE))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    assertThat(file.bytes("bytes").toArray(ValueLayout.JAVA_BYTE)).containsExactly(7, 8, 9);
    assertThat(directory.toFile().list()).containsExactly("model.safetensors");
  }

  @Test
  void unfinishedWritersLeaveNothing() throws IOException {
    var tensors = List.of(new TensorDeclaration("a", StoredDtype.U8, List.of(3L)));
    try (var writer = SafetensorsWriter.create(path, tensors, Map.of())) {
      writer.write("a", 0, ByteBuffer.wrap(new byte[2]));
      assertThat(catchThrowableOfType(IllegalStateException.class, writer::finish))
          .hasMessageContaining("2 of 3 bytes");
      assertThat(
              catchThrowableOfType(
                  IllegalArgumentException.class,
                  () -> writer.write("a", 2, ByteBuffer.wrap(new byte[2]))))
          .hasMessageContaining("too many");
    }
    assertThat(directory.toFile().list()).isEmpty();
  }
}
