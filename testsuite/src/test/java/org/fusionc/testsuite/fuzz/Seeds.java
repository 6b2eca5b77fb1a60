package org.fusionc.testsuite.fuzz;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Inputs of fuzz targets that are several messages: each a byte that says its kind, two bytes for
 * its length, and its bytes.
 */
final class Seeds {
  /** One message of an input, not parsed. */
  record Part(int kind, byte[] bytes) {
    /**
     * @throws InvalidProtocolBufferException if the bytes are no such message
     */
    <T> T as(Parser<T> parser) throws InvalidProtocolBufferException {
      return parser.parseFrom(bytes);
    }
  }

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  static byte[] of(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static Seeds seed() {
    return new Seeds();
  }

  Seeds with(int kind, Message message) {
    byte[] data = message.toByteArray();
    bytes.write(kind);
    bytes.write(data.length);
    bytes.write(data.length >> 8);
    bytes.writeBytes(data);
    return this;
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  /** The parts of an input, as far as it goes. */
  static List<Part> parts(byte[] input) {
    var parts = new ArrayList<Part>();
    for (int at = 0; at + 3 <= input.length; ) {
      int length = (input[at + 1] & 0xff) | (input[at + 2] & 0xff) << 8;
      int end = Math.min(input.length, at + 3 + length);
      parts.add(new Part(input[at] & 0xff, java.util.Arrays.copyOfRange(input, at + 3, end)));
      at = end;
    }
    return parts;
  }
}
