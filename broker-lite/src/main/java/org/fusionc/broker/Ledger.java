package org.fusionc.broker;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Link;
import org.fusionc.broker.state.LinkFigure;
import org.fusionc.broker.state.Peer;
import org.fusionc.broker.state.Placement;
import org.fusionc.broker.store.Change;
import org.fusionc.broker.store.Compare;
import org.fusionc.broker.store.Store;
import org.fusionc.frontend.safetensors.JsonReason;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The broker's state: in memory, and what must outlive this process in the store as well. Every
 * change is followed by a decision on who holds what, and is in the store before anybody sees it.
 */
final class Ledger {
  static final String PREFIX = "fusionc/";
  private static final String PEERS = PREFIX + "peers/";
  private static final String LINKS = PREFIX + "links/";
  private static final String DEPLOYMENTS = PREFIX + "deployments/";
  private static final JsonMapper JSON = new JsonMapper();

  private final Store store;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private ClusterState state = ClusterState.EMPTY;
  private @Nullable Compare term;
  private long changes;

  /** Keys of which it is not known whether the store has what was to be written there last. */
  private final Set<String> uncertain = new HashSet<>();

  Ledger(Store store) {
    this.store = store;
  }

  /** Thrown where only the leader may act. */
  static final class NotLeading extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotLeading() {
      super("this broker does not lead");
    }
  }

  /** Takes up what is in the store, and leads from now on. */
  void lead(Compare newTerm) {
    var read = read(store);
    lock.lock();
    try {
      state = read;
      term = newTerm;
      uncertain.clear();
      dropStrays();
      tell();
    } finally {
      lock.unlock();
    }
  }

  /** Where a change was stored in part only, links may be left of a peer that is not there. */
  private void dropStrays() {
    for (var link : state.links().keySet()) {
      for (var end : List.of(link.from(), link.to())) {
        if (!state.peers().containsKey(end)) {
          uncertain.add(key(link));
          state = state.withoutPeer(end);
        }
      }
    }
  }

  /** What a store holds now. */
  static ClusterState read(Store store) {
    var read = ClusterState.EMPTY.at(System.currentTimeMillis());
    for (var entry : store.range(PEERS)) {
      read = read.withPeer(parse(entry.key(), entry.value(), Peer.class));
    }
    for (var entry : store.range(LINKS)) {
      var ends = entry.key().substring(LINKS.length()).split("/", -1);
      read =
          read.withLink(
              new Link(ends[0], ends[1]), parse(entry.key(), entry.value(), LinkFigure.class));
    }
    for (var entry : store.range(DEPLOYMENTS)) {
      read = read.withDeployment(parse(entry.key(), entry.value(), Deployment.class));
    }
    return read;
  }

  private static <T> T parse(String key, ByteString value, Class<T> type) {
    try {
      return JSON.readValue(value.toStringUtf8(), type);
    } catch (JacksonException failure) {
      throw Diagnostic.failed(
              Location.named("the store's key " + key),
              "it does not hold what this version writes there: " + JsonReason.of(failure),
              "use the version that wrote it, or delete the key")
          .exception();
    }
  }

  /** Leads no more: what is known here may be out of date. */
  void follow() {
    lock.lock();
    try {
      term = null;
      state = ClusterState.EMPTY;
      tell();
    } finally {
      lock.unlock();
    }
  }

  private void tell() {
    changes++;
    changed.signalAll();
  }

  boolean leads() {
    lock.lock();
    try {
      return term != null;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The state as it is.
   *
   * @throws NotLeading if another broker knows it
   */
  ClusterState state() {
    lock.lock();
    try {
      if (term == null) {
        throw new NotLeading();
      }
      return state;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Changes the state, decides what follows, and stores it.
   *
   * @throws NotLeading if another broker leads
   */
  ClusterState update(UnaryOperator<ClusterState> change) {
    lock.lock();
    try {
      if (term == null) {
        throw new NotLeading();
      }
      var next = Placement.reconcile(change.apply(state.at(System.currentTimeMillis())));
      if (!store(writes(state, next), term)) {
        follow();
        throw new NotLeading();
      }
      state = next;
      tell();
      return next;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Stores changes, in as few transactions as they fit into: each key tells of itself alone.
   *
   * @return whether this broker still leads
   */
  private boolean store(List<Change> writes, Compare leads) {
    writes.forEach(write -> uncertain.add(write.key()));
    var part = new ArrayList<Change>();
    long bytes = 0;
    for (var write : writes) {
      if (part.size() == Store.MAX_CHANGES || bytes + write.bytes() > Store.MAX_BYTES) {
        if (!store.transact(List.of(leads), part)) {
          return false;
        }
        part.clear();
        bytes = 0;
      }
      part.add(write);
      bytes += write.bytes();
    }
    if (!part.isEmpty() && !store.transact(List.of(leads), part)) {
      return false;
    }
    // Where a transaction throws, they stay uncertain, and are written again with the next change.
    uncertain.clear();
    return true;
  }

  private List<Change> writes(ClusterState before, ClusterState after) {
    var writes = new ArrayList<Change>();
    difference(writes, before.peers(), after.peers(), name -> PEERS + name);
    difference(writes, before.deployments(), after.deployments(), name -> DEPLOYMENTS + name);
    difference(writes, before.links(), after.links(), Ledger::key);
    var written = writes.stream().map(Change::key).collect(Collectors.toSet());
    uncertain.stream()
        .filter(key -> !written.contains(key))
        .forEach(key -> writes.add(new Change.Delete(key)));
    return writes;
  }

  private static String key(Link link) {
    return LINKS + link.from() + "/" + link.to();
  }

  private <K, V> void difference(
      List<Change> writes, Map<K, V> before, Map<K, V> after, Function<K, String> key) {
    after.forEach((name, value) -> {
      boolean known = uncertain.isEmpty() || !uncertain.contains(key.apply(name));
      if (!known || !value.equals(before.get(name))) {
        writes.add(new Change.Put(key.apply(name), json(Objects.requireNonNull(value))));
      }
    });
    for (var name : before.keySet()) {
      if (!after.containsKey(name)) {
        writes.add(new Change.Delete(key.apply(name)));
      }
    }
  }

  private static ByteString json(Object value) {
    return ByteString.copyFromUtf8(JSON.writeValueAsString(value));
  }

  /** A number that grows with every change. */
  long changes() {
    lock.lock();
    try {
      return changes;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until there are other changes than those seen, or the time is over; gives their number.
   */
  long await(long seen, Duration time) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (changes == seen && left > 0) {
        left = changed.awaitNanos(left);
      }
      return changes;
    } finally {
      lock.unlock();
    }
  }

  /** Has those who wait look again, though nothing of the state has changed. */
  void wake() {
    lock.lock();
    try {
      tell();
    } finally {
      lock.unlock();
    }
  }
}
