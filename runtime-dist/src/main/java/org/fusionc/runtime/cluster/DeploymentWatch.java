package org.fusionc.runtime.cluster;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.WatchDeploymentRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hears of a deployment's changes; goes on with whichever broker can be reached. */
public final class DeploymentWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeploymentWatch.class);
  private static final long SHORTEST_PAUSE = 200;
  private static final long LONGEST_PAUSE = 2000;

  private final BrokerClient client;
  private final String deployment;
  private final Consumer<DeploymentState> changed;
  private final Runnable removed;
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final Thread thread;

  /**
   * @param removed told when the broker knows no such deployment, perhaps more than once
   */
  DeploymentWatch(
      BrokerClient client, String deployment, Consumer<DeploymentState> changed, Runnable removed) {
    this.client = client;
    this.deployment = deployment;
    this.changed = changed;
    this.removed = removed;
    thread = Thread.ofVirtual().name("watch-" + deployment).start(context.wrap(this::watch));
  }

  private void watch() {
    long pause = SHORTEST_PAUSE;
    while (!context.isCancelled()) {
      try {
        var views =
            BrokerServiceGrpc.newBlockingStub(client.channel())
                .watchDeployment(WatchDeploymentRequest.newBuilder().setName(deployment).build());
        while (views.hasNext()) {
          var view = views.next();
          pause = SHORTEST_PAUSE;
          DeploymentState.of(view).ifPresent(changed);
        }
      } catch (StatusRuntimeException failure) {
        if (context.isCancelled()) {
          return;
        }
        LOG.debug("watching {}: {}", deployment, Faults.text(failure.getStatus()));
        if (failure.getStatus().getCode() == Status.Code.NOT_FOUND) {
          removed.run();
        }
        client.turn(failure);
      } catch (DiagnosticException malformed) {
        LOG.warn("watching {}: {}", deployment, malformed.getMessage());
      }
      try {
        Thread.sleep(pause);
      } catch (InterruptedException ended) {
        return;
      }
      pause = Math.min(LONGEST_PAUSE, 2 * pause);
    }
  }

  @Override
  public void close() {
    context.cancel(new CancellationException("closed"));
    thread.interrupt();
  }
}
