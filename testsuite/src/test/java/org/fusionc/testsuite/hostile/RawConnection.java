package org.fusionc.testsuite.hostile;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import org.fusionc.runtime.net.Address;

/** A connection that sends whatever it is told, frame by frame (RFC 9113). */
final class RawConnection implements AutoCloseable {
  static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int CONTINUATION = 9;
  static final int END_HEADERS = 4;

  private final Socket socket;
  private final OutputStream out;

  RawConnection(Address address) throws IOException {
    socket = new Socket(address.host(), address.port());
    socket.setSoTimeout(30_000);
    socket.setTcpNoDelay(true);
    out = socket.getOutputStream();
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** Preface and empty settings. */
  RawConnection begin() throws IOException {
    send(PREFACE);
    send(frame(SETTINGS, 0, 0, new byte[0]));
    return this;
  }

  /** One that says a length of its own. */
  static byte[] frame(int type, int flags, int stream, int length, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .put((byte) (length >> 16))
        .putShort((short) length)
        .put((byte) type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return frame(type, flags, stream, payload.length, payload);
  }

  /** The headers of a gRPC call, each a literal (RFC 7541, 6.2.2). */
  static byte[] headers(String path) {
    var block = new ByteArrayOutputStream();
    literal(block, ":method", "POST");
    literal(block, ":scheme", "http");
    literal(block, ":path", path);
    literal(block, ":authority", "localhost");
    literal(block, "content-type", "application/grpc");
    literal(block, "te", "trailers");
    return block.toByteArray();
  }

  static void literal(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    string(block, name);
    string(block, value);
  }

  private static void string(ByteArrayOutputStream block, String text) {
    if (text.length() < 127) {
      block.write(text.length());
    } else {
      block.write(127);
      int rest = text.length() - 127;
      for (; rest >= 128; rest >>= 7) {
        block.write(rest & 127 | 128);
      }
      block.write(rest);
    }
    block.writeBytes(text.getBytes(US_ASCII));
  }

  /** Reads until the other side has closed the connection. */
  void awaitEnd() throws IOException {
    byte[] buffer = new byte[8192];
    try {
      while (socket.getInputStream().read(buffer) >= 0) {
        // Whatever it says before it closes.
      }
    } catch (SocketException e) {
      // Reset: closed as well.
    }
  }

  /** Sends the same bytes until the other side has had enough; whether it ever had. */
  boolean flood(byte[] bytes, int times) throws IOException {
    return flood(bytes, times, true);
  }

  /** As the other; may not wait for the other side to close. */
  boolean flood(byte[] bytes, int times, boolean wait) throws IOException {
    // What is answered must be read, or the flood would end in full buffers.
    var reader =
        Thread.ofVirtual()
            .start(() -> {
              try {
                awaitEnd();
              } catch (IOException e) {
                // The test ends it.
              }
            });
    // Many at a time, since each costs a call of the system.
    int batch = Math.clamp(65_536 / bytes.length, 1, times);
    var together = ByteBuffer.allocate(batch * bytes.length);
    for (int i = 0; i < batch; i++) {
      together.put(bytes);
    }
    try {
      for (int i = 0; i < times; i += batch) {
        send(together.array());
      }
      if (wait) {
        reader.join(20_000);
      }
      return !reader.isAlive();
    } catch (SocketException e) {
      return true;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
