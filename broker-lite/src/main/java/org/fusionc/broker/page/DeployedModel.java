package org.fusionc.broker.page;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.fusionc.broker.Broker;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.cluster.BrokerClient;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.serve.HostedModel;
import org.fusionc.runtime.serve.ServedModel;
import org.fusionc.runtime.serve.ServedModels.Loan;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A deployment as a model to talk to; at its peers only while somebody does. */
final class DeployedModel {
  private static final Logger LOG = LoggerFactory.getLogger(DeployedModel.class);

  /** Texts at once, and those that wait: the page is for looking, not for load. */
  private static final int SESSIONS = 2;

  private static final int QUEUE = 16;
  private static final int MOST_POSITIONS = 4096;

  private final Broker broker;
  private final DeploymentView view;
  private final Transport transport;
  private @Nullable Opened opened;
  private int users;
  private long lastUsed;
  private boolean closed;

  DeployedModel(Broker broker, DeploymentView view, Transport transport) {
    this.broker = broker;
    this.view = view;
    this.transport = transport;
  }

  boolean isOf(DeploymentView other) {
    return view.getManifest().equals(other.getManifest())
        && view.getContext() == other.getContext()
        && view.getPages() == other.getPages();
  }

  /** What is open, in the order of opening. */
  private record Opened(
      ModelSource source,
      BrokerClient client,
      ClusterEngine engine,
      ServedModel served,
      HostedModel hosted) {
    /** What those that still use it do not need any more. */
    void close() {
      served.close();
      client.close();
      source.close();
    }
  }

  /** Opens it if need be. */
  synchronized Loan borrow() {
    if (closed) {
      throw Diagnostic.failed(
              Location.named("deployment " + view.getName()), "it was just removed", "ask again")
          .exception();
    }
    var open = opened == null ? open() : opened;
    opened = open;
    users++;
    var once = new AtomicBoolean();
    return new Loan() {
      @Override
      public HostedModel model() {
        return open.hosted;
      }

      @Override
      public void close() {
        if (once.compareAndSet(false, true)) {
          giveBack();
        }
      }
    };
  }

  private synchronized void giveBack() {
    users--;
    lastUsed = System.nanoTime();
    if (closed) {
      leave();
    }
  }

  private Opened open() {
    var source = broker.models().open(view.getManifest());
    var client = BrokerClient.of(broker.address().toString(), transport);
    @Nullable ClusterEngine engine = null;
    try {
      int positions = Math.min(view.getContext(), MOST_POSITIONS);
      int sessions = Engine.pages(positions, SESSIONS) <= view.getPages() ? SESSIONS : 1;
      var options = ClusterEngine.Options.of(sessions, positions, "page");
      engine = ClusterEngine.open(client, view.getName(), source, options, transport, new Heard());
      var served = ServedModel.of(view.getName(), source, engine.engine());
      LOG.info("{} is open for the page", view.getName());
      return new Opened(source, client, engine, served, new HostedModel(served, sessions, QUEUE));
    } catch (RuntimeException | Error failure) {
      if (engine != null) {
        engine.close();
      }
      client.close();
      source.close();
      throw failure;
    }
  }

  private final class Heard implements RunListener {
    @Override
    public void notice(String message) {
      LOG.info("{}: {}", view.getName(), message);
    }

    @Override
    public void recovered(Recovery recovery) {
      LOG.info("{}: {}", view.getName(), recovery);
    }
  }

  /** Leaves the peers if nobody has asked for so long; the next one opens it again. */
  synchronized void closeIfIdle(Duration idle) {
    if (users == 0 && System.nanoTime() - lastUsed > idle.toNanos()) {
      stop("nobody uses it");
      leave();
    }
  }

  /** Ends it, and what is being generated. */
  synchronized void close(String why) {
    if (!closed) {
      closed = true;
      stop(why);
      leave();
    }
  }

  private void stop(String why) {
    if (opened != null) {
      LOG.info("{} is closed for the page: {}", view.getName(), why);
      opened.engine.close();
    }
  }

  /** The tokenizer goes with its last user. */
  private void leave() {
    if (opened != null && users == 0) {
      opened.close();
      opened = null;
    }
  }
}
