package org.fusionc.broker;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.function.Supplier;
import org.fusionc.broker.state.PeerState;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.CallFailures;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployProgress;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.DrainProgress;
import org.fusionc.runtime.proto.DrainRequest;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.RunReportSummary;
import org.fusionc.runtime.proto.StatusRequest;
import org.fusionc.runtime.proto.UndeployReply;
import org.fusionc.runtime.proto.UndeployRequest;
import org.fusionc.runtime.proto.WatchDeploymentRequest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The control plane's calls. Each runs on a virtual thread of its own and may wait. */
final class BrokerServer extends BrokerServiceGrpc.BrokerServiceImplBase {
  private static final Logger LOG = LoggerFactory.getLogger(BrokerServer.class);

  /** How often those who wait look whether their caller is still there. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private final Ledger ledger;
  private final Membership membership;
  private final Deployments deployments;
  private final Runs runs;
  private final @Nullable Tokens tokens;
  private final Supplier<ClusterStatus> status;
  private final Supplier<String> leader;

  /**
   * @param tokens that peers join with; null if none is asked for
   * @param leader the address of the broker that leads; empty if none does
   */
  BrokerServer(
      Ledger ledger,
      Membership membership,
      Deployments deployments,
      Runs runs,
      @Nullable Tokens tokens,
      Supplier<ClusterStatus> status,
      Supplier<String> leader) {
    this.ledger = ledger;
    this.membership = membership;
    this.deployments = deployments;
    this.runs = runs;
    this.tokens = tokens;
    this.status = status;
    this.leader = leader;
  }

  /** What a call does; it may wait. */
  private interface Work {
    void run() throws InterruptedException;
  }

  private void answer(StreamObserver<?> replies, Work work) {
    try {
      work.run();
      replies.onCompleted();
    } catch (DiagnosticException refused) {
      replies.onError(CallFailures.refusal(refused));
    } catch (Ledger.NotLeading other) {
      replies.onError(Failures.notLeading(leader.get()));
    } catch (StatusRuntimeException failure) {
      replies.onError(failure);
    } catch (InterruptedException ending) {
      replies.onError(
          Status.UNAVAILABLE.withDescription("the broker is closing").asRuntimeException());
    } catch (RuntimeException failure) {
      if (Context.current().isCancelled()) {
        // The caller has gone; there is nobody to tell.
        return;
      }
      LOG.error("a call failed", failure);
      replies.onError(
          Status.INTERNAL.withDescription("internal error: " + failure).asRuntimeException());
    }
  }

  @Override
  public StreamObserver<PeerReport> attend(StreamObserver<PeerOrders> replies) {
    if (!ledger.leads()) {
      replies.onError(Failures.notLeading(leader.get()));
      return new Ignored<>();
    }
    return new Attendance(ledger, membership, tokens, replies);
  }

  /** What comes after a refusal. */
  private static final class Ignored<T> implements StreamObserver<T> {
    @Override
    public void onNext(T message) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  @Override
  public void deploy(DeployRequest request, StreamObserver<DeployProgress> replies) {
    answer(replies, () -> deployments.deploy(request, replies::onNext));
  }

  @Override
  public void undeploy(UndeployRequest request, StreamObserver<UndeployReply> replies) {
    answer(
        replies,
        () -> {
          if (!deployments.undeploy(request.getName())) {
            throw notDeployed(request.getName());
          }
          replies.onNext(UndeployReply.getDefaultInstance());
        });
  }

  private StatusRuntimeException notDeployed(String name) {
    var names = ledger.state().deployments().keySet();
    return Status.NOT_FOUND
        .withDescription(
            "there is no deployment '"
                + name
                + "'; "
                + (names.isEmpty() ? "nothing is deployed" : "there are " + names))
        .asRuntimeException();
  }

  @Override
  public void watchDeployment(
      WatchDeploymentRequest request, StreamObserver<DeploymentView> replies) {
    answer(
        replies,
        () -> {
          long seen = -1;
          long version = -1;
          while (!Context.current().isCancelled()) {
            seen = ledger.await(seen, LOOK_AGAIN);
            var deployment = ledger.state().deployments().get(request.getName());
            if (deployment == null) {
              throw notDeployed(request.getName());
            }
            if (deployment.version() != version) {
              version = deployment.version();
              replies.onNext(Views.of(deployment));
            }
          }
        });
  }

  @Override
  public StreamObserver<RunReport> reportRun(StreamObserver<RunReportSummary> replies) {
    if (!ledger.leads()) {
      replies.onError(Failures.notLeading(leader.get()));
      return new Ignored<>();
    }
    return new StreamObserver<>() {
      private String run = "";
      private boolean ended;

      @Override
      public void onNext(RunReport report) {
        if (ended) {
          return;
        }
        if (!ledger.leads()) {
          // The one that leads now is to hear it.
          ended = true;
          runs.ended(run);
          replies.onError(Failures.notLeading(leader.get()));
          return;
        }
        if (run.isEmpty()) {
          run = report.getRun();
        }
        if (!run.isEmpty() && report.getRun().equals(run)) {
          runs.report(run, report);
        }
      }

      @Override
      public void onError(Throwable failure) {
        runs.ended(run);
      }

      @Override
      public void onCompleted() {
        runs.ended(run);
        if (!ended) {
          replies.onNext(RunReportSummary.getDefaultInstance());
          replies.onCompleted();
        }
      }
    };
  }

  @Override
  public void status(StatusRequest request, StreamObserver<ClusterStatus> replies) {
    answer(replies, () -> replies.onNext(status.get()));
  }

  @Override
  public void drain(DrainRequest request, StreamObserver<DrainProgress> replies) {
    answer(
        replies,
        () -> {
          var name = request.getPeer();
          if (!membership.drain(name)) {
            throw Status.NOT_FOUND
                .withDescription(
                    "there is no peer '" + name + "'; there are " + ledger.state().peers().keySet())
                .asRuntimeException();
          }
          long seen = -1;
          var last = "";
          while (!Context.current().isCancelled()) {
            seen = ledger.await(seen, LOOK_AGAIN);
            var state = ledger.state();
            var peer = state.peers().get(name);
            if (peer == null || peer.state() == PeerState.LOST) {
              replies.onNext(
                  DrainProgress.newBuilder().setMessage(name + " has left").setDone(true).build());
              return;
            }
            var left = Deployments.left(state, peer);
            var message = left.isEmpty() ? "nothing is left on " + name + "; it may go" : left;
            if (!message.equals(last)) {
              last = message;
              replies.onNext(DrainProgress.newBuilder().setMessage(message).build());
            }
          }
        });
  }
}
