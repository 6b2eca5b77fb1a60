package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sixteen clients generate while peers are killed, frozen, cut off, drained and joined, and the
 * broker is killed and restarted, at random. No token is wrong, lost or doubled; every session ends
 * or is told why; nothing leaks. {@code -Dfusionc.soak.minutes=N}, 30 unless given.
 */
@Tag("soak")
class SoakTest {
  private static final int CLIENTS = 16;
  private static final int RUNS = 4;
  private static final int PEERS = 5;
  private static final long MINUTES = Long.getLong("fusionc.soak.minutes", 30);
  private static final long SEED = Long.getLong("fusionc.soak.seed", 1);

  private record Task(
      List<Integer> prompt, SamplingOptions sampling, int tokens, List<Integer> ids) {}

  @TempDir private Path folder;

  private final Map<String, Integer> blows = new TreeMap<>();
  private final AtomicLong right = new AtomicLong();
  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private final Queue<String> told = new ConcurrentLinkedQueue<>();
  private volatile boolean over;

  @Test
  void noTokenIsWrongLostOrDoubled() throws InterruptedException, IOException {
    try (var cluster = Cluster.start(folder)) {
      for (int i = 0; i < PEERS; i++) {
        cluster.peerBehindProxy("p" + i);
      }
      for (var peer : cluster.peers().values()) {
        Cluster.awaitJoined(peer);
      }
      var model = Repository.root().resolve("examples/shakespeare");
      try (var deployment = new Deployment(cluster.address(), model, 3, CLIENTS, "f32")) {
        var tasks = tasks(deployment);
        var runs = new ArrayList<ClusterEngine>();
        for (int i = 0; i < RUNS; i++) {
          runs.add(deployment.open(CLIENTS / RUNS, RunListener.none()));
        }
        var clients = new ArrayList<Thread>();
        for (int i = 0; i < CLIENTS; i++) {
          var engine = runs.get(i % RUNS).engine();
          var random = new Random(SEED + i);
          clients.add(Thread.ofPlatform().start(() -> generate(engine, tasks, random)));
        }
        int threads = Thread.activeCount();
        disturb(cluster, new Random(SEED));
        over = true;
        for (var client : clients) {
          client.join(Duration.ofMinutes(3));
          assertThat(client.isAlive()).as("a client still waits").isFalse();
        }
        // All that was broken is mended: everything goes on as if nothing had been.
        deployment.awaitHolders(1, Duration.ofMinutes(3));
        long before = right.get();
        int refused = told.size();
        for (var task : tasks) {
          generate(runs.getFirst().engine(), task);
        }
        assertThat(right.get() - before).as("after it all: %s", told).isEqualTo(tasks.size());
        assertThat(told).hasSize(refused);
        report(cluster, runs);
        runs.forEach(ClusterEngine::close);
        assertThat(Thread.activeCount()).isLessThanOrEqualTo(threads);
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(right.get()).isGreaterThan(CLIENTS);
  }

  private static List<Task> tasks(Deployment deployment) {
    var random = new Random(SEED);
    var tasks = new ArrayList<Task>();
    for (int i = 0; i < CLIENTS; i++) {
      var prompt = random.ints(1 + random.nextInt(60), 1, 1000).boxed().toList();
      var sampling =
          i % 4 == 0
              ? SamplingOptions.greedy()
              : SamplingOptions.greedy().withTemperature(0.9f).withSeed(i);
      int tokens = 20 + random.nextInt(100);
      tasks.add(
          new Task(prompt, sampling, tokens, deployment.undisturbed(prompt, sampling, tokens)));
    }
    return tasks;
  }

  private void generate(Engine engine, List<Task> tasks, Random random) {
    while (!over) {
      generate(engine, tasks.get(random.nextInt(tasks.size())));
    }
  }

  private void generate(Engine engine, Task task) {
    var streamed = new ArrayList<Integer>();
    try {
      var ids =
          Deployment.generate(
              engine, task.prompt, task.sampling, task.tokens, id -> streamed.add(id));
      if (ids.equals(task.ids) && streamed.equals(task.ids)) {
        right.incrementAndGet();
      } else {
        wrong.add("%s, streamed %s, instead of %s".formatted(ids, streamed, task.ids));
      }
    } catch (DiagnosticException failure) {
      told.add(String.valueOf(failure.getMessage()));
      if (!streamed.equals(task.ids.subList(0, streamed.size()))) {
        wrong.add("%s before it failed, instead of %s".formatted(streamed, task.ids));
      }
    } catch (RuntimeException | Error failure) {
      wrong.add("not told why: " + failure);
    }
  }

  private void disturb(Cluster cluster, Random random) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofMinutes(MINUTES).toNanos();
    for (int joined = 0; System.nanoTime() < end; ) {
      Thread.sleep(1000 + random.nextInt(5000));
      var names = List.copyOf(cluster.peers().keySet());
      var name = names.get(random.nextInt(names.size()));
      var peer = cluster.runningPeer(name);
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> {
          count("kill");
          peer.kill();
          Thread.sleep(random.nextInt(3000));
          cluster.peerBehindProxy(name);
        }
        case 3, 4, 5 -> {
          count("freeze");
          peer.freeze();
          Thread.sleep(300 + random.nextInt(5000));
          peer.thaw();
        }
        case 6, 7, 8 -> {
          count("cut");
          cluster.proxy(name).cut();
        }
        case 9 -> {
          count("drain");
          peer.terminate();
          peer.awaitEnd(Duration.ofMinutes(2));
          cluster.peerBehindProxy(name);
        }
        case 10 -> {
          count("join");
          var other = "late" + joined++ % 2;
          cluster.peerBehindProxy(other);
        }
        default -> {
          count("broker");
          cluster.restartBroker();
        }
      }
    }
  }

  private void count(String blow) {
    blows.merge(blow, 1, Integer::sum);
    System.out.printf(
        "%s: %d right, %d wrong, %d told why%n", blow, right.get(), wrong.size(), told.size());
  }

  private void report(Cluster cluster, List<ClusterEngine> runs) throws IOException {
    System.out.printf(
        "%d min, %s: %d sessions right, %d wrong, %d told why, %d recoveries%n",
        MINUTES,
        blows,
        right.get(),
        wrong.size(),
        told.size(),
        runs.stream().mapToLong(ClusterEngine::recovered).sum());
    told.stream().distinct().limit(5).forEach(System.out::println);
    for (var peer : cluster.peers().entrySet()) {
      var process = Path.of("/proc", Long.toString(peer.getValue().pid()));
      if (Files.isDirectory(process)) {
        var status = Files.readAllLines(process.resolve("status"));
        try (var files = Files.list(process.resolve("fd"))) {
          System.out.printf(
              "%s: %d files, %s%n",
              peer.getKey(),
              files.count(),
              status.stream()
                  .filter(line -> line.startsWith("VmRSS") || line.startsWith("Threads"))
                  .map(line -> line.replaceAll("\\s+", " "))
                  .toList());
        }
      }
    }
  }
}
