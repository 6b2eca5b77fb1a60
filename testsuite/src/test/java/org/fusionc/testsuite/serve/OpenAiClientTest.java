package org.fusionc.testsuite.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own client, in node, drives {@code fusionc serve}; needs node, npm and its registry. */
@Tag("npm")
class OpenAiClientTest {
  @Test
  void theClientFindsWhatItExpects(@TempDir Path scratch) throws Exception {
    var folder = Repository.root().resolve("testsuite/openai-client");
    // Into a folder of its own: the sources stay as they are.
    var client = Files.createDirectories(Repository.scratch().resolve("openai-client"));
    for (var file : List.of("package.json", "package-lock.json", "drive.mjs")) {
      Files.copy(
          folder.resolve(file),
          client.resolve(file),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
    var installed = install(client);
    Assumptions.assumeTrue(installed.isEmpty(), "the client cannot be installed: " + installed);

    var keys = Files.writeString(scratch.resolve("keys"), "secret\n");
    var model = ScriptedModel.write(scratch.resolve("scripted"));
    var server =
        start(
            scratch,
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "org.fusionc.cli.Main",
                "serve",
                model.toString(),
                "--listen",
                "127.0.0.1:0",
                "--sessions",
                "2",
                "--threads",
                "1",
                "--api-key-file",
                keys.toString()));
    try {
      var url = announced(server);
      var script = start(client, List.of("node", "drive.mjs", url, "scripted"));
      var said = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(script.waitFor()).as(said).isZero();
      assertThat(said.lines().filter(line -> line.startsWith("ok: "))).hasSize(9);
      server.destroy();
      assertThat(server.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(server.exitValue()).as("told to end, it ends well").isZero();
    } finally {
      server.destroyForcibly();
    }
  }

  /** Why the client could not be installed; empty if it was. */
  private static String install(Path client) throws InterruptedException {
    try {
      var npm = start(client, List.of("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"));
      var said = new String(npm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return npm.waitFor() == 0 ? "" : said;
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  private static Process start(Path folder, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(new File(folder.toString()))
        .redirectErrorStream(true)
        .start();
  }

  private static String announced(Process server) throws IOException {
    var reader =
        new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
    var said = new StringBuilder();
    for (var line = reader.readLine(); line != null; line = reader.readLine()) {
      if (line.startsWith("serve: ")) {
        return line.substring(line.indexOf("http"));
      }
      said.append(line).append('\n');
    }
    throw new AssertionError("the server did not start: " + said);
  }
}
