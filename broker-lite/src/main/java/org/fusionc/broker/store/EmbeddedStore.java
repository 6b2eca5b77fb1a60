package org.fusionc.broker.store;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store in a SQLite file of this machine, for one process. Each transaction is on the disk
 * before it is acknowledged.
 */
public final class EmbeddedStore implements Store {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedStore.class);
  private static final String FILE = "state.db";
  private static final long TICK_MILLIS = 100;

  private record Deadline(Duration time, long nanos) {}

  private final Path file;
  private final FileChannel lockFile;
  private final Connection connection;
  private final ReentrantLock lock = new ReentrantLock();
  private final Watches watches = new Watches();
  private final ConcurrentHashMap<Long, Deadline> leases = new ConcurrentHashMap<>();

  /** Leases that are over, whose keys have yet to go. */
  private final Set<Long> over = ConcurrentHashMap.newKeySet();

  private final Thread expirer = Thread.ofVirtual().name("leases").unstarted(this::expire);
  private volatile boolean closed;

  private EmbeddedStore(Path file, FileChannel lockFile, Connection connection) {
    this.file = file;
    this.lockFile = lockFile;
    this.connection = connection;
  }

  /**
   * Opens the store in a directory, or makes it.
   *
   * @throws DiagnosticException if another process uses it, or it is damaged, or cannot be made
   */
  public static EmbeddedStore open(Path directory) {
    var file = directory.resolve(FILE);
    var lockFile = lock(directory);
    try {
      var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
      var store = new EmbeddedStore(file, lockFile, connection);
      try {
        store.prepare();
      } catch (SQLException | RuntimeException failure) {
        connection.close();
        throw failure;
      }
      store.expirer.start();
      return store;
    } catch (SQLException failure) {
      release(lockFile);
      throw damaged(file, String.valueOf(failure.getMessage()));
    } catch (RuntimeException failure) {
      release(lockFile);
      throw failure;
    }
  }

  private static FileChannel lock(Path directory) {
    try {
      Files.createDirectories(directory);
      var channel =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock held = null;
      try {
        held = channel.tryLock();
      } catch (OverlappingFileLockException inThisProcess) {
        // Said below.
      }
      if (held == null) {
        channel.close();
        throw Diagnostic.failed(
                Location.named(directory.toString()),
                "another broker uses this data directory",
                "stop it, or give another one with --data")
            .exception();
      }
      return channel;
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(directory.toString()),
              "the data directory cannot be used: " + IoReason.of(failure),
              "choose another one with --data")
          .exception();
    }
  }

  private static void release(FileChannel lockFile) {
    try {
      lockFile.close();
    } catch (IOException failure) {
      LOG.warn("the lock was not released: {}", failure.toString());
    }
  }

  private void prepare() throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode = WAL");
      statement.execute("PRAGMA synchronous = FULL");
      try (var result = statement.executeQuery("PRAGMA quick_check")) {
        if (!result.next() || !"ok".equals(result.getString(1))) {
          throw damaged(file, result.getString(1));
        }
      }
      statement.execute(
          "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL,"
              + " modified INTEGER NOT NULL, lease INTEGER NOT NULL) WITHOUT ROWID");
      statement.execute(
          "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL)");
      statement.execute("INSERT OR IGNORE INTO numbers VALUES ('revision', 0), ('lease', 0)");
      // All leases were this process's, in an earlier life: nobody keeps them alive any more.
      statement.execute("DELETE FROM entries WHERE lease <> 0");
    }
    connection.setAutoCommit(false);
  }

  private static DiagnosticException damaged(Path file, String how) {
    return Diagnostic.failed(
            Location.named(file.toString()),
            "the broker's state cannot be read: " + how,
            "restore the file from a copy, or move the data directory away to begin anew")
        .exception();
  }

  /** Work with the connection, which ends in a commit or in nothing done. */
  private interface Work<T> {
    T run() throws SQLException;
  }

  private <T> T locked(Work<T> work) {
    lock.lock();
    try {
      if (closed) {
        throw Diagnostic.failed(Location.named(file.toString()), "the store is closed", "")
            .exception();
      }
      return committed(work);
    } finally {
      lock.unlock();
    }
  }

  private <T> T committed(Work<T> work) {
    try {
      var result = work.run();
      connection.commit();
      return result;
    } catch (SQLException failure) {
      rollBack();
      throw Diagnostic.failed(
              Location.named(file.toString()),
              "the broker's state cannot be read or written: " + failure.getMessage(),
              "see that the disk has room")
          .exception();
    } catch (RuntimeException | Error failure) {
      rollBack();
      throw failure;
    }
  }

  private void rollBack() {
    try {
      connection.rollback();
    } catch (SQLException failure) {
      LOG.error("a transaction was not rolled back: {}", failure.toString());
    }
  }

  private PreparedStatement prepared(String text, Object... values) throws SQLException {
    var statement = connection.prepareStatement(text);
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
    return statement;
  }

  private void execute(String text, Object... values) throws SQLException {
    try (var statement = prepared(text, values)) {
      statement.executeUpdate();
    }
  }

  @Override
  public Optional<Entry> get(String key) {
    return locked(() -> find(key));
  }

  private Optional<Entry> find(String key) throws SQLException {
    try (var statement = prepared("SELECT key, value, modified FROM entries WHERE key = ?", key);
        var result = statement.executeQuery()) {
      return result.next() ? Optional.of(entry(result)) : Optional.empty();
    }
  }

  private static Entry entry(ResultSet result) throws SQLException {
    return new Entry(
        result.getString(1), ByteString.copyFrom(result.getBytes(2)), result.getLong(3));
  }

  @Override
  public List<Entry> range(String prefix) {
    return locked(() -> {
      try (var statement =
              prepared(
                  "SELECT key, value, modified FROM entries"
                      + " WHERE substr(key, 1, ?) = ? ORDER BY key",
                  prefix.length(),
                  prefix);
          var result = statement.executeQuery()) {
        var found = new ArrayList<Entry>();
        while (result.next()) {
          found.add(entry(result));
        }
        return List.copyOf(found);
      }
    });
  }

  @Override
  public boolean transact(List<Compare> compares, List<Change> changes) {
    Change.check(changes);
    return locked(() -> {
      for (var compare : compares) {
        if (find(compare.key()).map(Entry::modified).orElse(0L) != compare.modified()) {
          return false;
        }
      }
      apply(changes);
      return true;
    });
  }

  /** Commits before anybody is told. */
  private void apply(List<Change> changes) throws SQLException {
    if (changes.isEmpty()) {
      return;
    }
    long revision = next("revision");
    var events = new ArrayList<Event>();
    for (var change : changes) {
      switch (change) {
        case Change.Put(var key, var value, var lease) -> {
          if (lease != 0 && !leases.containsKey(lease)) {
            throw new SQLException("the lease " + lease + " has run out");
          }
          execute(
              "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)",
              key,
              value.toByteArray(),
              revision,
              lease);
          events.add(new Event(key, value, revision));
        }
        case Change.Delete(var key) -> {
          if (find(key).isPresent()) {
            execute("DELETE FROM entries WHERE key = ?", key);
            events.add(new Event(key, null, revision));
          }
        }
      }
    }
    connection.commit();
    events.forEach(watches::tell);
  }

  private long next(String number) throws SQLException {
    execute("UPDATE numbers SET value = value + 1 WHERE name = ?", number);
    try (var statement = prepared("SELECT value FROM numbers WHERE name = ?", number);
        var result = statement.executeQuery()) {
      return result.getLong(1);
    }
  }

  @Override
  public Watch watch(String prefix, Watcher watcher) {
    return locked(() -> watches.add(prefix, watcher));
  }

  @Override
  public Lease lease(Duration time) {
    long id = locked(() -> next("lease"));
    leases.put(id, new Deadline(time, System.nanoTime() + time.toNanos()));
    return Lease.of(id, () -> renew(id, time), () -> revoke(id));
  }

  private boolean renew(long lease, Duration time) {
    return leases.computeIfPresent(
            lease, (key, old) -> new Deadline(time, System.nanoTime() + time.toNanos()))
        != null;
  }

  private void revoke(long lease) {
    if (!closed && leases.remove(lease) != null) {
      over.add(lease);
      forget(lease);
    }
  }

  private void forget(long lease) {
    locked(() -> {
      var attached = new ArrayList<Change>();
      try (var statement = prepared("SELECT key FROM entries WHERE lease = ?", lease);
          var result = statement.executeQuery()) {
        while (result.next()) {
          attached.add(new Change.Delete(result.getString(1)));
        }
      }
      apply(attached);
      return true;
    });
    over.remove(lease);
  }

  private void expire() {
    try {
      while (!closed) {
        Thread.sleep(TICK_MILLIS);
        long now = System.nanoTime();
        leases.forEach((id, deadline) -> {
          if (deadline.nanos() - now < 0 && leases.remove(id, deadline)) {
            over.add(id);
          }
        });
        forgetAll();
      }
    } catch (InterruptedException ending) {
      // Closed.
    }
  }

  /** What cannot be deleted now is later: a key that stayed would shut out whoever comes next. */
  private void forgetAll() {
    try {
      over.forEach(this::forget);
    } catch (DiagnosticException failure) {
      if (!closed) {
        LOG.warn("a lease is over, but its keys are still there: {}", failure.getMessage());
      }
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      expirer.interrupt();
      watches.close();
      connection.close();
    } catch (SQLException failure) {
      LOG.warn("the store was not closed cleanly: {}", failure.toString());
    } finally {
      release(lockFile);
      lock.unlock();
    }
  }
}
