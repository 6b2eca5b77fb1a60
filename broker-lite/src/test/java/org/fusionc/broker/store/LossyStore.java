package org.fusionc.broker.store;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/** A store over a network: an answer may be lost on the way back, of what has been done. */
public final class LossyStore implements Store {
  private final Store store;
  private boolean loses;
  private boolean fails;

  public LossyStore(Store store) {
    this.store = store;
  }

  /** The next transaction is made, but its answer is that what it compares did not hold. */
  void loseAnswer() {
    loses = true;
  }

  /** The next transaction is made, but no answer comes. */
  public void failAnswer() {
    fails = true;
  }

  @Override
  public boolean transact(List<Compare> compares, List<Change> changes) {
    boolean held = store.transact(compares, changes);
    if (fails) {
      fails = false;
      throw Diagnostic.failed(Location.named("the store"), "no answer", "").exception();
    }
    boolean lost = loses;
    loses = false;
    return held && !lost;
  }

  @Override
  public Optional<Entry> get(String key) {
    return store.get(key);
  }

  @Override
  public List<Entry> range(String prefix) {
    return store.range(prefix);
  }

  @Override
  public Watch watch(String prefix, Watcher watcher) {
    return store.watch(prefix, watcher);
  }

  @Override
  public Lease lease(Duration time) {
    return store.lease(time);
  }

  /** Left to whoever has opened it. */
  @Override
  public void close() {}
}
