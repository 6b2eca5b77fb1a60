package org.fusionc.broker;

import java.util.List;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.plan.Patience;
import org.fusionc.broker.plan.Replanning;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.broker.state.Layout;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks from time to time whether deployments would fare better with another plan. */
final class Replanner {
  private static final Logger LOG = LoggerFactory.getLogger(Replanner.class);

  private final Ledger ledger;
  private final Models models;
  private final Replanning.Policy policy;

  private final Patience patience;

  Replanner(Ledger ledger, Models models, Replanning.Policy policy) {
    this.ledger = ledger;
    this.models = models;
    this.policy = policy;
    patience = new Patience(policy.times());
  }

  /** Runs until interrupted. */
  void run() {
    try {
      while (true) {
        Thread.sleep(policy.every());
        try {
          if (ledger.leads()) {
            var state = ledger.state().at(System.currentTimeMillis());
            patience.retain(state.deployments().keySet());
            for (var deployment : state.deployments().values()) {
              try {
                look(state, deployment);
              } catch (DiagnosticException absent) {
                // A broker that has just come to lead may lack the model for some seconds.
                LOG.warn(
                    "deployment {}: no other plan: {}", deployment.name(), absent.getMessage());
              }
            }
          }
        } catch (Ledger.NotLeading other) {
          // Then somebody else looks.
        } catch (RuntimeException failure) {
          LOG.error("plans could not be looked at: {}", failure.toString());
        }
      }
    } catch (InterruptedException ending) {
      // The broker closes.
    }
  }

  private void look(ClusterState state, Deployment deployment) {
    var name = deployment.name();
    if (deployment.current().holders().stream().anyMatch(List::isEmpty)) {
      rescue(state, deployment);
      return;
    }
    boolean rests = state.now() - deployment.changedAt() < policy.rest().toMillis();
    var now = Replanning.fingerprint(state);
    if (rests || deployment.next() != null || patience.isSettled(name, now)) {
      return;
    }
    var module = models.model(deployment.manifest()).module();
    var found = Replanning.better(module, state, deployment, policy);
    if (found.isEmpty()) {
      patience.none(name, now);
      return;
    }
    if (patience.found(name)) {
      LOG.info(
          "deployment {}: a plan over {} is expected to take {} instead of {} ms per token",
          name,
          peers(found.get().layout()),
          1e3 * found.get().after(),
          1e3 * found.get().before());
      adopt(deployment, found.get().layout());
    }
  }

  private static List<String> peers(Layout layout) {
    return layout.holders().stream().map(holders -> holders.getFirst().peer()).toList();
  }

  private void adopt(Deployment seen, Layout layout) {
    ledger.update(state -> {
      var now = state.deployments().get(seen.name());
      if (now == null) {
        return state;
      }
      if (now.next() != null
          || !now.current().digest().equals(seen.current().digest())
          || layout.digest().equals(seen.current().digest())) {
        return state;
      }
      return state.withDeployment(now.with(now.current(), layout));
    });
  }

  private void rescue(ClusterState state, Deployment deployment) {
    var module = models.model(deployment.manifest()).module();
    Replanning.rescue(module, state, deployment)
        .filter(layout -> !layout.digest().equals(deployment.current().digest()))
        .ifPresent(layout -> {
          LOG.warn(
              "deployment {}: a stage has no peer any more; now planned over {}",
              deployment.name(),
              peers(layout));
          ledger.update(s -> {
            var now = s.deployments().get(deployment.name());
            return now == null ? s : s.withDeployment(now.with(layout, null));
          });
        });
  }
}
