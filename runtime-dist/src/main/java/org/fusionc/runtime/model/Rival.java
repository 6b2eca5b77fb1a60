package org.fusionc.runtime.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/**
 * Another program that prints tokens per second, run by the shell.
 *
 * @param pattern finds the figures in what it prints: the group {@code rate} is one in tokens per
 *     second; a group {@code test} names its test, and without that group the figures stand for the
 *     tests in order
 * @param limit how long one run may take
 */
public record Rival(String command, Pattern pattern, Duration limit) {
  /** Reads tables with rows such as {@code | pp256 | 290.1 |}, and JSON of this program. */
  public static final String DEFAULT_PATTERN =
      "(?<test>(?:pp|tg)\\d+(?:@d\\d+)?(?:x\\d+)?)[^0-9\\n]+(?<rate>\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)";

  /**
   * A rival.
   *
   * @throws DiagnosticException if the pattern is none, or has no group {@code rate}
   */
  public static Rival of(String command, String pattern, Duration limit) {
    try {
      var compiled = Pattern.compile(pattern);
      if (!compiled.namedGroups().containsKey("rate")) {
        throw Diagnostic.usage(
                "the pattern '" + pattern + "' has no group named rate",
                "mark the tokens per second in it: (?<rate>[0-9.]+)")
            .exception();
      }
      return new Rival(command, compiled, limit);
    } catch (PatternSyntaxException wrong) {
      throw Diagnostic.usage(
              "'%s' is no regular expression: %s".formatted(pattern, wrong.getDescription()),
              "see java.util.regex.Pattern")
          .exception();
    }
  }

  /**
   * Runs it once.
   *
   * @return tokens per second of each test, in order
   * @throws DiagnosticException if it fails, takes too long, or does not print a figure for each
   */
  public List<Double> run(List<String> tests) {
    return rates(output(), tests);
  }

  List<Double> rates(String output, List<String> tests) {
    boolean isNamed = pattern.namedGroups().containsKey("test");
    var named = new HashMap<String, Double>();
    var inOrder = new ArrayList<Double>();
    var matcher = pattern.matcher(output);
    while (matcher.find()) {
      var text = matcher.group("rate");
      double rate;
      try {
        rate = Double.parseDouble(text);
      } catch (NumberFormatException noNumber) {
        throw failed("the pattern's group rate matched '" + text + "', which is no number", output);
      }
      if (isNamed) {
        named.put(matcher.group("test"), rate);
      } else {
        inOrder.add(rate);
      }
    }
    var rates = new ArrayList<Double>();
    for (int i = 0; i < tests.size(); i++) {
      var rate = isNamed ? named.get(tests.get(i)) : i < inOrder.size() ? inOrder.get(i) : null;
      if (rate == null || rate <= 0) {
        throw failed("it printed no figure for the test " + tests.get(i), output);
      }
      rates.add(rate);
    }
    return rates;
  }

  private String output() {
    Process process;
    try {
      process = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true).start();
      process.getOutputStream().close();
    } catch (IOException failure) {
      throw failed("it cannot be started: " + failure.getMessage(), "");
    }
    var read =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException closed) {
                return "";
              }
            },
            task -> Thread.ofVirtual().start(task));
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw failed("it took more than " + limit.toSeconds() + " s", "");
      }
      var output = read.join();
      if (process.exitValue() != 0) {
        throw failed("it ended with exit code " + process.exitValue(), output);
      }
      return output;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw failed("it was interrupted", "");
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private DiagnosticException failed(String problem, String output) {
    var lines = output.strip().lines().toList();
    var last = String.join("\n", lines.subList(Math.max(0, lines.size() - 10), lines.size()));
    return Diagnostic.failed(
            Location.named("--against"),
            "the rival's command: " + problem,
            "run it by hand: " + command + (last.isEmpty() ? "" : "\nit printed:\n" + last))
        .exception();
  }
}
