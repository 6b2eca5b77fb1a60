package org.fusionc.broker.page;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.fusionc.broker.Broker;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.serve.ServedModels;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The deployments as models to talk to. Each is opened when it is first asked for, and closed when
 * nobody has for a while or it is there no more.
 */
final class DeployedModels implements ServedModels, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeployedModels.class);
  private static final Duration IDLE = Duration.ofMinutes(5);
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final Broker broker;
  private final Transport transport = Transport.plain();
  private final Map<String, DeployedModel> open = new ConcurrentHashMap<>();

  /** By the manifest's digest: whether a model is made for chat. */
  private final Map<String, Boolean> chat = new ConcurrentHashMap<>();

  private final Thread watch;

  DeployedModels(Broker broker) {
    this.broker = broker;
    this.watch = Thread.ofVirtual().name("deployed-models").start(this::watch);
  }

  @Override
  public List<Description> list() {
    var list = new ArrayList<Description>();
    for (var view : broker.status().getDeploymentsList()) {
      try {
        list.add(new Description(view.getName(), view.getContext(), isForChat(view)));
      } catch (DiagnosticException absent) {
        LOG.warn("{} cannot be talked to: {}", view.getName(), absent.getMessage());
      }
    }
    return list;
  }

  private boolean isForChat(DeploymentView view) {
    return chat.computeIfAbsent(
        view.getManifest(),
        manifest -> {
          try (var source = broker.models().open(manifest)) {
            return source.chatTemplate().isPresent();
          }
        });
  }

  private Map<String, DeploymentView> views() {
    return broker.status().getDeploymentsList().stream()
        .collect(Collectors.toMap(DeploymentView::getName, view -> view));
  }

  @Override
  public Optional<Loan> borrow(String name) {
    var view = views().get(name);
    if (view == null) {
      return Optional.empty();
    }
    if (!broker.isOpen()) {
      throw Diagnostic.usage(
              "this cluster asks for certificates or tokens, and the page has none to show: use"
                  + " fusionc serve --cluster",
              "give it a client's certificate or token")
          .exception();
    }
    var model =
        open.compute(
            name,
            (key, before) -> {
              if (before != null && before.isOf(view)) {
                return before;
              }
              if (before != null) {
                before.close("it was deployed anew");
              }
              return new DeployedModel(broker, view, transport);
            });
    return Optional.of(model.borrow());
  }

  private void watch() {
    while (true) {
      try {
        Thread.sleep(LOOK);
      } catch (InterruptedException closed) {
        return;
      }
      try {
        look(views());
      } catch (RuntimeException failure) {
        LOG.error("the open models could not be looked at", failure);
      }
    }
  }

  private void look(Map<String, DeploymentView> views) {
    open.forEach((name, model) -> {
      var view = views.get(name);
      if (view == null || !model.isOf(view)) {
        open.remove(name, model);
        model.close("it is deployed no more");
      } else {
        model.closeIfIdle(IDLE);
      }
    });
    chat.keySet().retainAll(views.values().stream().map(DeploymentView::getManifest).toList());
  }

  @Override
  public void close() {
    watch.interrupt();
    open.values().forEach(model -> model.close("the broker ends"));
  }
}
