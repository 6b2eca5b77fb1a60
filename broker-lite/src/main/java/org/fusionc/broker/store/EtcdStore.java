package org.fusionc.broker.store;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The store in etcd, where several brokers see the same. */
public final class EtcdStore implements Store {
  private static final Logger LOG = LoggerFactory.getLogger(EtcdStore.class);
  private static final String SCHEME = "etcd://";

  /** How long a call may take; etcd elects a new leader of its own in less. */
  private static final Duration CALL = Duration.ofSeconds(8);

  /** Bytes of all entries of a range together. */
  private static final int LARGEST_ANSWER = 256 << 20;

  private final String title;
  private final Client client;

  private EtcdStore(String title, Client client) {
    this.title = title;
    this.client = client;
  }

  /**
   * Connects.
   *
   * @param url {@code etcd://HOST:PORT}, or several with commas between
   * @throws DiagnosticException if the URL is malformed, or none of them can be reached
   */
  public static EtcdStore open(String url) {
    if (!url.startsWith(SCHEME)) {
      throw Diagnostic.usage(
              "'" + url + "' is no store", "write etcd://HOST:PORT, or leave --store away")
          .exception();
    }
    var endpoints =
        Arrays.stream(url.substring(SCHEME.length()).split(",", -1))
            .map(Address::parse)
            .map(address -> "http://" + address)
            .toArray(String[]::new);
    var client =
        Client.builder()
            .endpoints(endpoints)
            .retryMaxAttempts(3)
            .waitForReady(false)
            .maxInboundMessageSize(LARGEST_ANSWER)
            .build();
    var store = new EtcdStore(url, client);
    try {
      var _ = store.get("fusionc");
    } catch (RuntimeException failure) {
      store.close();
      throw failure;
    }
    return store;
  }

  private <T> T await(CompletableFuture<T> reply) {
    try {
      return reply.get(CALL.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException failure) {
      throw lost(String.valueOf(failure.getCause()));
    } catch (TimeoutException failure) {
      reply.cancel(true);
      throw lost("no answer within " + CALL.toSeconds() + " s");
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
      throw lost("interrupted");
    }
  }

  private DiagnosticException lost(String why) {
    return new Diagnostic(
            Failure.CLUSTER,
            Location.named(title),
            "etcd did not answer: " + why,
            "see that it runs and can be reached")
        .exception();
  }

  private static ByteSequence bytes(String text) {
    return ByteSequence.from(text, StandardCharsets.UTF_8);
  }

  private static Entry entry(KeyValue pair) {
    return new Entry(
        pair.getKey().toString(StandardCharsets.UTF_8),
        ByteString.copyFrom(pair.getValue().getBytes()),
        pair.getModRevision());
  }

  @Override
  public Optional<Entry> get(String key) {
    return await(client.getKVClient().get(bytes(key))).getKvs().stream()
        .findFirst()
        .map(EtcdStore::entry);
  }

  @Override
  public List<Entry> range(String prefix) {
    var options =
        GetOption.builder()
            .isPrefix(true)
            .withSortField(GetOption.SortTarget.KEY)
            .withSortOrder(GetOption.SortOrder.ASCEND)
            .build();
    return await(client.getKVClient().get(bytes(prefix), options)).getKvs().stream()
        .map(EtcdStore::entry)
        .toList();
  }

  @Override
  public boolean transact(List<Compare> compares, List<Change> changes) {
    Change.check(changes);
    var conditions =
        compares.stream()
            .map(compare ->
                new Cmp(
                    bytes(compare.key()), Cmp.Op.EQUAL, CmpTarget.modRevision(compare.modified())))
            .toArray(Cmp[]::new);
    var operations = changes.stream().map(EtcdStore::operation).toArray(Op[]::new);
    return await(client.getKVClient().txn().If(conditions).Then(operations).commit()).isSucceeded();
  }

  private static Op operation(Change change) {
    return switch (change) {
      case Change.Put(var key, var value, var lease) ->
          Op.put(
              bytes(key),
              ByteSequence.from(value.toByteArray()),
              lease == 0 ? PutOption.DEFAULT : PutOption.builder().withLeaseId(lease).build());
      case Change.Delete(var key) -> Op.delete(bytes(key), DeleteOption.DEFAULT);
    };
  }

  @Override
  public Watch watch(String prefix, Watcher watcher) {
    // From the present revision on, whenever etcd takes the watch up.
    long now = await(client.getKVClient().get(bytes(prefix))).getHeader().getRevision();
    var options = WatchOption.builder().isPrefix(true).withRevision(now + 1).build();
    var watching =
        client
            .getWatchClient()
            .watch(
                bytes(prefix),
                options,
                response -> tell(response, watcher),
                failure -> watcher.ended(String.valueOf(failure)),
                () -> watcher.ended("etcd ended it"));
    return watching::close;
  }

  private static void tell(WatchResponse response, Watcher watcher) {
    for (var event : response.getEvents()) {
      var pair = event.getKeyValue();
      var key = pair.getKey().toString(StandardCharsets.UTF_8);
      watcher.changed(
          event.getEventType() == WatchEvent.EventType.DELETE
              ? new Event(key, null, pair.getModRevision())
              : new Event(
                  key, ByteString.copyFrom(pair.getValue().getBytes()), pair.getModRevision()));
    }
  }

  @Override
  public Lease lease(Duration time) {
    long seconds = Math.max(1, time.toSeconds());
    long id = await(client.getLeaseClient().grant(seconds)).getID();
    return Lease.of(id, () -> renew(id, time), () -> revoke(id));
  }

  private boolean renew(long lease, Duration time) {
    try {
      // Whoever waited for longer would take a lease for its own that has run out meanwhile.
      long patience = Math.min(CALL.toMillis(), time.toMillis() * 2 / 3);
      return client
              .getLeaseClient()
              .keepAliveOnce(lease)
              .get(patience, TimeUnit.MILLISECONDS)
              .getTTL()
          > 0;
    } catch (ExecutionException | TimeoutException gone) {
      return false;
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void revoke(long lease) {
    try {
      client.getLeaseClient().revoke(lease).get(CALL.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException gone) {
      LOG.debug("lease {} was not revoked: {}", lease, gone.toString());
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
