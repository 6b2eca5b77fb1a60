package org.fusionc.testsuite.hostile;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.fusionc.runtime.net.Address;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is no gRPC, or gRPC that means harm, against the ports of a broker and of a peer. */
@ExtendWith(SharedVictim.class)
class WireAttacksTest extends Attacks {
  private static final String ECHO = "/fusionc.v1.EchoService/Echo";

  @Override
  VictimProcess victim() {
    return SharedVictim.victim();
  }

  @Test
  void randomBytes() throws IOException {
    manyTimes(new Random(1), new byte[0]);
    victim().await("it does not speak HTTP/2");
  }

  @Test
  void randomBytesAfterThePreface() throws IOException {
    manyTimes(new Random(2), RawConnection.PREFACE);
  }

  /** On fifty connections at once; all of them are closed. */
  private void manyTimes(Random random, byte[] opening) throws IOException {
    for (Address port : ports()) {
      var open = new ArrayList<RawConnection>();
      try {
        for (int i = 0; i < 50; i++) {
          var connection = new RawConnection(port);
          open.add(connection);
          byte[] bytes = new byte[opening.length > 0 ? 20_000 : 1 + random.nextInt(10_000)];
          random.nextBytes(bytes);
          connection.send(opening);
          connection.flood(bytes, 1, false);
        }
        for (var connection : open) {
          connection.awaitEnd();
        }
      } finally {
        for (var connection : open) {
          connection.close();
        }
      }
    }
  }

  @Test
  void anotherProtocol() throws IOException {
    for (String opening :
        List.of(
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003")) {
      for (Address port : ports()) {
        try (var connection = new RawConnection(port)) {
          connection.send(opening.getBytes(ISO_8859_1));
          connection.awaitEnd();
        }
      }
    }
    victim().await("it does not speak HTTP/2");
  }

  @Test
  void anOversizedFrame() throws IOException {
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        connection.send(RawConnection.frame(RawConnection.DATA, 0, 1, 0xffffff, new byte[100]));
        connection.awaitEnd();
      }
    }
    victim().await("ended with error 6"); // FRAME_SIZE_ERROR
  }

  @Test
  void headersWithoutEnd() throws IOException {
    var block = new ByteArrayOutputStream();
    RawConnection.literal(block, "x", "y".repeat(10_000));
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        connection.send(
            RawConnection.frame(RawConnection.HEADERS, 0, 1, RawConnection.headers(ECHO)));
        var more = RawConnection.frame(RawConnection.CONTINUATION, 0, 1, block.toByteArray());
        assertThat(connection.flood(more, 100_000)).isTrue();
      }
    }
    victim().await("refused");
  }

  @Test
  void aMessageThatSaysItIsHuge() throws IOException {
    byte[] prefix = ByteBuffer.allocate(5).put((byte) 0).putInt(Integer.MAX_VALUE).array();
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        connection.send(call(1, "/fusionc.v1.BlobService/Stat"));
        connection.send(RawConnection.frame(RawConnection.DATA, 0, 1, prefix));
        victim().await("RESOURCE_EXHAUSTED");
      }
      victim().clearLog();
    }
  }

  /** A thousand messages begin, and none of them ends: together more than the victim has. */
  @Test
  void messagesThatNeverEnd() throws Exception {
    byte[] first = ByteBuffer.allocate(16_384).put((byte) 0).putInt(3 << 20).array();
    var open = new ArrayList<RawConnection>();
    try {
      for (Address port : ports()) {
        for (int i = 0; i < 100; i++) {
          var connection = new RawConnection(port).begin();
          open.add(connection);
          var calls = new ByteArrayOutputStream();
          for (int stream = 1; stream < 20; stream += 2) {
            calls.writeBytes(call(stream, "/fusionc.v1.BlobService/Stat"));
            for (int frame = 0; frame < 3; frame++) {
              calls.writeBytes(
                  RawConnection.frame(
                      RawConnection.DATA, 0, stream, frame == 0 ? first : new byte[16_384]));
            }
          }
          connection.flood(calls.toByteArray(), 1, false);
        }
        victim().await("bytes are coming in; this is the oldest");
        assertOthersAreServed();
        victim().clearLog();
      }
    } finally {
      for (var connection : open) {
        connection.close();
      }
    }
  }

  @Test
  void pings() throws IOException {
    flood(RawConnection.frame(RawConnection.PING, 0, 0, new byte[8]));
    victim().await("refused");
  }

  @Test
  void settings() throws IOException {
    byte[] setting = ByteBuffer.allocate(6).putShort((short) 4).putInt(65_535).array();
    flood(RawConnection.frame(RawConnection.SETTINGS, 0, 0, setting));
    victim().await("floods");
  }

  @Test
  void emptyData() throws IOException {
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        connection.send(call(1, "/fusionc.v1.BlobService/Stat"));
        var empty = RawConnection.frame(RawConnection.DATA, 0, 1, new byte[0]);
        assertThat(connection.flood(empty, 100_000)).isTrue();
      }
    }
    victim().await("floods");
  }

  @Test
  void callsThatAreResetAtOnce() throws IOException {
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        var calls = new ByteArrayOutputStream();
        for (int stream = 1; stream < 20_000; stream += 2) {
          calls.writeBytes(call(stream, ECHO));
          calls.writeBytes(
              RawConnection.frame(RawConnection.RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8}));
        }
        assertThat(connection.flood(calls.toByteArray(), 1)).isTrue();
      }
    }
    victim().await("refused");
  }

  @Test
  void halfOpenConnections() throws IOException, InterruptedException {
    var open = new ArrayList<RawConnection>();
    try {
      for (Address port : ports()) {
        for (int i = 0; i < 200; i++) {
          var connection = new RawConnection(port);
          open.add(connection);
          if (i % 2 == 0) {
            connection.send(Arrays.copyOf(RawConnection.PREFACE, i % 24));
          }
        }
        victim().await("too many connections that have made no call");
        assertOthersAreServed();
        victim().clearLog();
      }
    } finally {
      for (var connection : open) {
        connection.close();
      }
    }
  }

  @Test
  void aMethodThatIsNotThere() throws IOException {
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        connection.send(call(1, "/no.Such/Method"));
        connection.send(call(3, "/../../etc/passwd"));
        victim().await("UNIMPLEMENTED");
      }
      victim().clearLog();
    }
  }

  private static byte[] call(int stream, String path) {
    return RawConnection.frame(
        RawConnection.HEADERS, RawConnection.END_HEADERS, stream, RawConnection.headers(path));
  }

  private void flood(byte[] frame) throws IOException {
    for (Address port : ports()) {
      try (var connection = new RawConnection(port).begin()) {
        assertThat(connection.flood(frame, 200_000)).isTrue();
      }
    }
  }
}
