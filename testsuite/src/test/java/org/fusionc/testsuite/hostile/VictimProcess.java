package org.fusionc.testsuite.hostile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.net.Address;
import org.jspecify.annotations.Nullable;

/** A {@link Victim}, started; it dies of the first lack of memory. */
final class VictimProcess implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(3);
  private static final Duration LINE = Duration.ofSeconds(60);
  private static final int KEPT_LINES = 20_000;

  private final Process process;
  private final Deque<String> lines = new ArrayDeque<>();
  private final Address broker;
  private final Address peer;
  private final String input;

  VictimProcess(Path data, @Nullable Path tls, @Nullable Path tokens) throws IOException {
    process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "--add-modules=jdk.incubator.vector",
                    "-XX:+UseSerialGC",
                    "-Xmx128m",
                    "-XX:MaxDirectMemorySize=96m",
                    "-XX:+ExitOnOutOfMemoryError",
                    "-Dlogback.configurationFile=logback.xml", // as fusionc logs, not as tests do
                    "-cp",
                    System.getProperty("java.class.path"),
                    Victim.class.getName(),
                    data.toString(),
                    tls == null ? "-" : tls.toString(),
                    tokens == null ? "-" : tokens.toString()))
            .redirectErrorStream(true)
            .start();
    // A virtual one would keep one of the few carriers while it waits for a line.
    Thread.ofPlatform().daemon().name("output of the victim").start(this::read);
    String[] ports = await("victim: ", START).split(" ");
    broker = new Address("127.0.0.1", Integer.parseInt(ports[1]));
    peer = new Address("127.0.0.1", Integer.parseInt(ports[2]));
    input = ports[3];
  }

  private void read() {
    try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line; (line = reader.readLine()) != null; ) {
        synchronized (lines) {
          if (lines.size() == KEPT_LINES) {
            lines.removeFirst();
          }
          lines.add(line);
          lines.notifyAll();
        }
      }
    } catch (IOException e) {
      // It has ended; whoever waits for a line of it is told so.
    }
  }

  /** Where the broker listens. */
  Address broker() {
    return broker;
  }

  /** Where the peer's services listen. */
  Address peer() {
    return peer;
  }

  /** The name of what the first stage is fed. */
  String input() {
    return input;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Forgets what has been logged so far. */
  void clearLog() {
    synchronized (lines) {
      lines.clear();
    }
  }

  /** How many lines have been logged since. */
  int logged() {
    synchronized (lines) {
      return lines.size();
    }
  }

  /** The first logged line that contains the text; waits for it. */
  String await(String text) {
    return await(text, LINE);
  }

  private String await(String text, Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    synchronized (lines) {
      while (true) {
        for (String line : lines) {
          if (line.contains(text)) {
            return line;
          }
        }
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0 || !process.isAlive()) {
          throw new AssertionError(
              "no line with '%s'; alive: %s; it printed:%n%s"
                  .formatted(text, process.isAlive(), String.join("\n", lines)));
        }
        try {
          lines.wait(Math.min(left, 200));
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
