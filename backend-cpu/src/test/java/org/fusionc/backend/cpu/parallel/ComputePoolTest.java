package org.fusionc.backend.cpu.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComputePoolTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void doesEveryItemOnce(int threads) {
    try (var pool = new ComputePool(threads)) {
      assertThat(pool.threads()).isEqualTo(threads);
      for (int n : new int[] {0, 1, 2, 7, 1000}) {
        for (int grain : new int[] {1, 3, 2000}) {
          for (int round = 0; round < 50; round++) {
            var done = new AtomicIntegerArray(Math.max(1, n));
            pool.parallelFor(
                n,
                grain,
                (from, to) -> {
                  assertThat(to - from).isBetween(1L, (long) grain);
                  for (long i = from; i < to; i++) {
                    done.incrementAndGet((int) i);
                  }
                });
            for (int i = 0; i < n; i++) {
              assertThat(done.get(i)).isEqualTo(1);
            }
          }
        }
      }
    }
  }

  @Test
  void wakesParkedWorkersAndManyShortJobs() throws InterruptedException {
    try (var pool = new ComputePool(3)) {
      var sum = new AtomicLong();
      for (int pause = 0; pause < 3; pause++) {
        Thread.sleep(30);
        for (int i = 0; i < 5000; i++) {
          pool.parallelFor(8, 1, (from, to) -> sum.addAndGet(to - from));
        }
      }
      assertThat(sum.get()).isEqualTo(3 * 5000 * 8);
    }
  }

  @Test
  void throwsWhatATaskThrowsAndGoesOn() {
    try (var pool = new ComputePool(3)) {
      for (int i = 0; i < 100; i++) {
        int bad = i;
        assertThatThrownBy(() ->
                pool.parallelFor(
                    100,
                    1,
                    (from, to) -> {
                      if (from == bad) {
                        throw new IllegalStateException("item " + bad);
                      }
                    }))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("item " + bad);
        var count = new AtomicLong();
        pool.parallelFor(10, 1, (from, to) -> count.incrementAndGet());
        assertThat(count.get()).isEqualTo(10);
      }
    }
  }

  @Test
  void nestedCallsAndCallsFromSeveralThreadsFinish() throws InterruptedException {
    try (var pool = new ComputePool(3)) {
      var count = new AtomicLong();
      var threads = new ArrayList<Thread>();
      for (int t = 0; t < 4; t++) {
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  for (int i = 0; i < 200; i++) {
                    pool.parallelFor(
                        4,
                        1,
                        (from, to) -> pool.parallelFor(3, 1, (a, b) -> count.incrementAndGet()));
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(count.get()).isEqualTo(4 * 200 * 4 * 3);
    }
  }

  @Test
  void refusesWorkAfterClose() {
    var pool = new ComputePool(2);
    pool.close();
    assertThatThrownBy(() -> pool.parallelFor(10, 1, (from, to) -> {}))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new ComputePool(0)).isInstanceOf(IllegalArgumentException.class);
  }
}
