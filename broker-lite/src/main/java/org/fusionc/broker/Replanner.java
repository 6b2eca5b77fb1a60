package org.fusionc.broker;

import org.fusionc.broker.plan.Models;
import org.fusionc.broker.plan.Patience;
import org.fusionc.broker.plan.Replanning;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Deployment;
import org.fusionc.ir.Module;
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
    if (deployment.current().stuck()) {
      rescue(state, deployment);
      return;
    }
    Replanning.look(() -> module(deployment), state, deployment, policy, patience)
        .ifPresent(found -> {
          LOG.info(
              "deployment {}: a plan over {} is expected to take {} instead of {} ms per token",
              deployment.name(),
              found.layout().serving(),
              1e3 * found.after(),
              1e3 * found.before());
          change(
              deployment.name(),
              (now, millis) -> Replanning.adopted(deployment, now, found.layout(), millis));
        });
  }

  private Module module(Deployment deployment) {
    return models.model(deployment.manifest()).module();
  }

  /** How a deployment is to be, at a time in Unix milliseconds. */
  private interface Changed {
    Deployment of(Deployment now, long millis);
  }

  private void change(String name, Changed change) {
    ledger.update(state -> {
      var now = state.deployments().get(name);
      return now == null ? state : state.withDeployment(change.of(now, state.now()));
    });
  }

  private void rescue(ClusterState state, Deployment deployment) {
    Replanning.rescue(module(deployment), state, deployment)
        .filter(layout -> !layout.digest().equals(deployment.current().digest()))
        .ifPresent(layout -> {
          LOG.warn(
              "deployment {}: a stage has no peer any more; to be planned over {}",
              deployment.name(),
              layout.serving());
          change(
              deployment.name(),
              (now, millis) -> Replanning.rescued(deployment, now, layout, millis));
        });
  }
}
