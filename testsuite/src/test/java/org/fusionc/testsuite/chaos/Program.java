package org.fusionc.testsuite.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.fusionc.testsuite.Repository;

/**
 * A {@code fusionc} command that runs as a process of its own, and what it has printed so far. With
 * {@code -Dfusionc.chaos.echo=true} that is shown as it comes.
 */
final class Program implements AutoCloseable {
  private static final boolean ECHO = Boolean.getBoolean("fusionc.chaos.echo");

  private final String title;
  private final Process process;
  private final List<String> lines = new ArrayList<>();

  private Program(String title, Process process) {
    this.title = title;
    this.process = process;
    // A virtual one would keep its carrier while it waits for a line, and there are as few as
    // cores:
    // with some programs that say nothing, no virtual thread of this process would run any more.
    Thread.ofPlatform().daemon().name("output of " + title).start(this::read);
  }

  /** Starts {@code fusionc ARGUMENTS…} with the class path of this process. */
  static Program start(String title, List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules=jdk.incubator.vector",
            "-Dlogback.configurationFile="
                + Repository.root().resolve("cli/src/main/resources/logback.xml"),
            "-XX:+UseSerialGC",
            "-Xmx512m",
            "-cp",
            System.getProperty("java.class.path"),
            "org.fusionc.cli.Main"));
    command.addAll(arguments);
    try {
      return new Program(title, new ProcessBuilder(command).redirectErrorStream(true).start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read() {
    try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line; (line = reader.readLine()) != null; ) {
        synchronized (lines) {
          lines.add(line);
          lines.notifyAll();
        }
        if (ECHO) {
          System.err.printf("%s %s| %s%n", LocalTime.now(ZoneId.systemDefault()), title, line);
        }
      }
    } catch (IOException e) {
      // A killed process's pipe ends like this; what waits for its lines is told below.
    } finally {
      synchronized (lines) {
        lines.notifyAll();
      }
    }
  }

  /** Waits for a line that has the form, and gives what the form's groups matched. */
  MatchResult await(String form, Duration limit) {
    var pattern = Pattern.compile(form);
    return await(line -> pattern.matcher(line).find(), form, limit, pattern);
  }

  private MatchResult await(
      Predicate<String> wanted, String what, Duration limit, Pattern pattern) {
    long end = System.nanoTime() + limit.toNanos();
    synchronized (lines) {
      for (int next = 0; ; ) {
        for (; next < lines.size(); next++) {
          if (wanted.test(lines.get(next))) {
            var matcher = pattern.matcher(lines.get(next));
            matcher.find();
            return matcher.toMatchResult();
          }
        }
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0 || !process.isAlive()) {
          throw new AssertionError(
              "%s %s without a line like '%s'; it printed:%n%s"
                  .formatted(
                      title,
                      process.isAlive() ? "ran for " + limit : "ended",
                      what,
                      String.join("\n", lines)));
        }
        try {
          lines.wait(Math.min(left, 200));
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  String output() {
    synchronized (lines) {
      return String.join("\n", lines);
    }
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it as a crash of the machine would: nothing is said to anyone. */
  void kill() {
    process.destroyForcibly();
    process.onExit().join();
  }

  /** Freezes it: its connections stay open, and nothing is answered. */
  void freeze() {
    signal("STOP");
  }

  void thaw() {
    signal("CONT");
  }

  /**
   * Slows it to a crawl: it runs for some milliseconds, then stands still for 0.4 s, until this is
   * closed.
   */
  Slowness crawl() {
    var script = "while kill -STOP $0; do sleep 0.4; kill -CONT $0; sleep 0.004; done 2> /dev/null";
    try {
      return new Slowness(
          new ProcessBuilder("sh", "-c", script, Long.toString(process.pid())).start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A time in which the program is slow. */
  final class Slowness implements AutoCloseable {
    private final Process shell;

    private Slowness(Process shell) {
      this.shell = shell;
    }

    @Override
    public void close() {
      shell.destroyForcibly();
      shell.onExit().join();
      thaw();
    }
  }

  /** Asks it to leave. */
  void terminate() {
    signal("TERM");
  }

  int awaitEnd(Duration limit) {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError(title + " still runs after " + limit + ":\n" + output());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void signal(String name) {
    try {
      int code =
          new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
      if (code != 0 && process.isAlive()) {
        throw new IllegalStateException("kill -" + name + " gave " + code);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
