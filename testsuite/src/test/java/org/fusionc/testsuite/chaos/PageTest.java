package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The broker's page in a browser, over a cluster of processes. */
@Tag("browser")
class PageTest {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final List<String> PEERS = List.of("ada", "bob", "cleo");

  /** In the page: sends a message. */
  private static final String SEND =
      "document.getElementById('prompt').value = 'ROMEO:';"
          + "document.getElementById('send').click()";

  private static final String ANSWER =
      "document.querySelector('#messages .assistant:last-of-type')?.textContent";

  @TempDir Path folder;

  @Test
  void showsTheClusterAndTalks() throws Exception {
    var program = Browser.program();
    Assumptions.assumeTrue(
        program.isPresent(), "there is no chromium here: install it to test the page");
    try (var cluster = Cluster.start(folder)) {
      var origin = "http://" + cluster.broker().await("page http://(\\S+?)/", LONG).group(1) + "/";
      PEERS.forEach(cluster::peer);
      cluster.peers().values().forEach(Cluster::awaitJoined);
      var model = Repository.root().resolve("examples/shakespeare").toString();
      var to = cluster.address();
      try (var deploy =
          Program.start(
              "deploy",
              List.of("deploy", model, "--cluster", to, "--name", "play", "--stages", "3"))) {
        assertThat(deploy.awaitEnd(LONG)).as(deploy.output()).isZero();
      }
      try (var browser = Browser.start(program.get(), folder.resolve("profile"))) {
        browser.open(origin);
        looksAtThePeers(browser);
        talks(browser);
        losesAPeer(browser, cluster);
        takesPictures(browser);
        assertThat(browser.requests())
            .allMatch(url -> url.startsWith(origin) || url.startsWith("data:"));
        assertThat(browser.errors()).isEmpty();
      }
    }
  }

  private static void looksAtThePeers(Browser browser) throws Exception {
    for (var name : PEERS) {
      browser.await("document.getElementById('peers').innerText.includes('" + name + "')", LONG);
      browser.await("document.getElementById('map').textContent.includes('" + name + "')", LONG);
    }
    browser.await("document.querySelectorAll('#map circle.alive').length === 3", LONG);
    browser.await("document.querySelectorAll('#map line.flow').length === 2", LONG);
    browser.await("/ms|µs/.test(document.querySelector('#map .figure')?.textContent)", LONG);
    browser.await("document.querySelectorAll('#links tbody tr').length === 6", LONG);
    browser.await("document.querySelectorAll('.plan .stage').length === 3", LONG);
    browser.await("document.querySelectorAll('.stage .state.ready').length === 3", LONG);
    browser.await("document.querySelectorAll('.stage .standby.ready').length === 6", LONG);
    // Each stage says how busy it is, what it holds, what waits, and what the plan expects.
    browser.await(
        "[...document.querySelectorAll('.stage')].every(s =>"
            + " /\\d%\\s+[\\d.]+ [KM]iB\\s+\\d+\\s.*[mµ]?s\\s/s.test(s.innerText))",
        LONG);
    browser.await("/^\\d+(\\.\\d+)?%$/.test(document.querySelector('.bar i').style.width)", LONG);
  }

  private static void talks(Browser browser) throws Exception {
    browser.await("!document.getElementById('kind').hidden", LONG);
    browser.evaluate(SEND);
    browser.await("(" + ANSWER + " ?? '').length > 10", LONG);
    // It comes piece by piece: there is more now than there was.
    var first = browser.evaluate(ANSWER);
    browser.await("document.querySelector('#runs tbody')?.innerText.includes('play')", LONG);
    browser.await("document.getElementById('stop').hidden", LONG);
    assertThat(browser.evaluate(ANSWER)).startsWith(first).hasSizeGreaterThan(first.length());
    assertThat(browser.evaluate("document.querySelectorAll('#messages .error').length"))
        .isEqualTo("0");
  }

  private static void losesAPeer(Browser browser, Cluster cluster) throws Exception {
    browser.evaluate(SEND);
    browser.await("(" + ANSWER + " ?? '').length > 20", LONG);
    var second = browser.evaluate("document.querySelectorAll('.stage b')[1].textContent");
    cluster.runningPeer(second).kill();
    browser.await("document.querySelector('#peers .lost')", LONG);
    browser.await("document.querySelector('#map circle.lost')", LONG);
    browser.await(
        "[...document.querySelectorAll('#recoveries tbody tr')].some(r => r.textContent.includes('"
            + second
            + " →'))",
        LONG);
    browser.await("document.getElementById('stop').hidden", LONG);
    assertThat(browser.evaluate("document.querySelectorAll('#messages .error').length"))
        .isEqualTo("0");
  }

  /** Leaves pictures of the page, for people to look at. */
  private static void takesPictures(Browser browser) throws Exception {
    var folder = Files.createDirectories(Repository.root().resolve("testsuite/target/page"));
    for (var scheme : List.of("light", "dark")) {
      browser.prefer(scheme);
      assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
          .isEqualTo(scheme.equals("light") ? "rgb(244, 245, 247)" : "rgb(20, 23, 26)");
      browser.screenshot(folder.resolve(scheme + ".png"));
    }
  }
}
