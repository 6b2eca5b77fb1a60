package org.fusionc.broker.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store does. */
abstract class StoreContract {
  private Store store;

  /** A store for one test, empty below {@code t/}. */
  abstract Store open() throws Exception;

  @BeforeEach
  void begin() throws Exception {
    store = open();
  }

  @AfterEach
  void end() {
    if (store != null) {
      store.close();
    }
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private String value(String key) {
    return store.get(key).map(entry -> entry.value().toStringUtf8()).orElse("");
  }

  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.sleep(20);
    }
  }

  @Test
  void keepsWhatIsPutUntilItIsDeleted() {
    assertThat(store.get("t/a")).isEmpty();
    store.put("t/a", bytes("1"));
    assertThat(value("t/a")).isEqualTo("1");
    store.put("t/a", bytes(""));
    assertThat(store.get("t/a").orElseThrow().value()).isEmpty();
    store.delete("t/a");
    assertThat(store.get("t/a")).isEmpty();
    store.delete("t/a");
  }

  @Test
  void revisionsGrow() {
    store.put("t/a", bytes("1"));
    long first = store.get("t/a").orElseThrow().modified();
    store.put("t/b", bytes("1"));
    assertThat(store.get("t/a").orElseThrow().modified()).isEqualTo(first);
    store.put("t/a", bytes("1"));
    assertThat(store.get("t/a").orElseThrow().modified())
        .isGreaterThan(store.get("t/b").orElseThrow().modified());
  }

  @Test
  void rangesByPrefixInOrder() {
    for (var key : List.of("t/b", "t/a%", "t/a", "t/ab", "u", "t", "t/B")) {
      store.put(key, bytes(key));
    }
    assertThat(store.range("t/a")).extracting(Entry::key).containsExactly("t/a", "t/a%", "t/ab");
    assertThat(store.range("t/")).extracting(Entry::key).startsWith("t/B").endsWith("t/b");
    assertThat(store.range("t/x")).isEmpty();
    store.delete("u");
    store.delete("t");
  }

  @Test
  void transactsAllOrNothing() {
    store.put("t/a", bytes("1"));
    long modified = store.get("t/a").orElseThrow().modified();
    var changes = List.<Change>of(new Change.Put("t/b", bytes("2")), new Change.Delete("t/a"));
    assertThat(store.transact(List.of(Compare.absent("t/a")), changes)).isFalse();
    assertThat(store.transact(List.of(new Compare("t/a", modified + 1)), changes)).isFalse();
    assertThat(store.get("t/b")).isEmpty();
    assertThat(
            store.transact(List.of(new Compare("t/a", modified), Compare.absent("t/b")), changes))
        .isTrue();
    assertThat(value("t/b")).isEqualTo("2");
    assertThat(store.get("t/a")).isEmpty();
  }

  @Test
  void tellsWatchersOfEveryChangeInOrder() throws Exception {
    store.put("t/w/before", bytes("0"));
    var heard = new ConcurrentLinkedQueue<Event>();
    try (var watch = store.watch("t/w/", heard::add)) {
      assertThat(watch).isNotNull();
      store.put("t/w/a", bytes("1"));
      store.put("t/elsewhere", bytes("1"));
      store.put("t/w/a", bytes("2"));
      store.delete("t/w/a");
      await(() -> heard.size() == 3);
    }
    assertThat(heard)
        .extracting(e -> e.key() + "=" + (e.value() == null ? "" : e.value().toStringUtf8()))
        .containsExactly("t/w/a=1", "t/w/a=2", "t/w/a=");
    assertThat(heard).extracting(Event::revision).isSorted().doesNotHaveDuplicates();
    store.put("t/w/a", bytes("3"));
    assertThat(heard).hasSize(3);
  }

  @Test
  void keysVanishWithTheirLease() throws Exception {
    var kept = store.lease(Duration.ofSeconds(1));
    var left = store.lease(Duration.ofSeconds(1));
    var ended = store.lease(Duration.ofSeconds(60));
    for (var lease : List.of(kept, left, ended)) {
      assertThat(
              store.transact(
                  List.of(), List.of(new Change.Put("t/" + lease.id(), bytes("x"), lease.id()))))
          .isTrue();
    }
    ended.close();
    assertThat(store.get("t/" + ended.id())).isEmpty();
    var heard = new ConcurrentLinkedQueue<Event>();
    try (var watch = store.watch("t/" + left.id(), heard::add)) {
      assertThat(watch).isNotNull();
      await(() -> kept.keepAlive() && store.get("t/" + left.id()).isEmpty());
      await(() -> !heard.isEmpty());
    }
    assertThat(Objects.requireNonNull(heard.peek()).value()).isNull();
    assertThat(store.get("t/" + kept.id())).isPresent();
    assertThat(left.keepAlive()).isFalse();
    kept.close();
  }

  @Test
  void oneOfSeveralCandidatesLeadsAndAnotherAfterIt() throws Exception {
    var heard = new ConcurrentLinkedQueue<String>();
    var one = stand("one", heard);
    await(() -> heard.contains("one elected"));
    var two = stand("two", heard);
    assertThat(two.leader()).contains("one");
    one.close();
    await(() -> heard.contains("two elected"));
    assertThat(heard).containsExactly("one elected", "one deposed", "two elected");
    assertThat(two.leader()).contains("two");
    two.close();
  }

  private Election stand(String name, ConcurrentLinkedQueue<String> heard) {
    return stand(store, name, heard);
  }

  private Election stand(Store in, String name, ConcurrentLinkedQueue<String> heard) {
    return Election.stand(
        in,
        "t/leader",
        name,
        Duration.ofSeconds(2),
        new Election.Candidate() {
          @Override
          public void elected(Compare term) {
            assertThat(store.transact(List.of(term), List.of())).isTrue();
            heard.add(name + " elected");
          }

          @Override
          public void deposed() {
            heard.add(name + " deposed");
          }
        });
  }

  /** A candidate that cannot take over at first, such as one whose state cannot be read. */
  @Test
  void whoeverCouldNotTakeOverStandsAgain() throws Exception {
    var heard = new ConcurrentLinkedQueue<String>();
    var candidate =
        new Election.Candidate() {
          @Override
          public void elected(Compare term) {
            heard.add("elected");
            if (heard.size() == 1) {
              throw new IllegalStateException("not now");
            }
          }

          @Override
          public void deposed() {
            heard.add("deposed");
          }
        };
    try (var election =
        Election.stand(store, "t/leader", "one", Duration.ofSeconds(1), candidate)) {
      await(() -> heard.size() == 3);
      assertThat(heard).containsExactly("elected", "deposed", "elected");
      assertThat(election.leader()).contains("one");
    }
  }

  @Test
  void anElectionThatWasWonUnnoticedKeepsNobodyOut() throws Exception {
    var lossy = new LossyStore(store);
    lossy.loseAnswer();
    var heard = new ConcurrentLinkedQueue<String>();
    try (var one = stand(lossy, "one", heard)) {
      await(() -> heard.contains("one elected"));
      assertThat(one.leader()).contains("one");
    }
  }

  @Test
  void takesAsMuchAtOnceAsItSays() {
    var many = new ArrayList<Change>();
    for (int i = 0; i < Store.MAX_CHANGES; i++) {
      many.add(new Change.Put("t/many/" + i, bytes("x")));
    }
    assertThat(store.transact(List.of(Compare.absent("t/many")), many)).isTrue();
    assertThat(store.range("t/many/")).hasSize(Store.MAX_CHANGES);
    many.add(new Change.Put("t/many/more", bytes("x")));
    assertThatThrownBy(() -> store.transact(List.of(), many))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("a transaction has at most");
    var large = ByteString.copyFrom(new byte[Store.MAX_VALUE]);
    for (int i = 0; i < 6; i++) {
      store.put("t/large/" + i, large);
    }
    assertThat(store.range("t/large/")).hasSize(6);
  }

  @Test
  void refusesWhatIsTooLarge() {
    var large = ByteString.copyFrom(new byte[Store.MAX_VALUE + 1]);
    assertThatThrownBy(() -> store.put("t/a", large)).isInstanceOf(DiagnosticException.class);
    store.put("t/a", large.substring(1));
    assertThat(store.get("t/a").orElseThrow().value().size()).isEqualTo(Store.MAX_VALUE);
  }
}
