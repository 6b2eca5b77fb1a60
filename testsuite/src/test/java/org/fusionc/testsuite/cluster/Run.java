package org.fusionc.testsuite.cluster;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.fusionc.runtime.cluster.DeploymentState;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RemotePipeline;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.cluster.RunOptions;
import org.fusionc.runtime.exec.Coordinator;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.exec.Pipeline;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.DeploymentView;
import org.fusionc.runtime.proto.StageHolder;
import org.fusionc.runtime.proto.StageHolders;
import org.fusionc.runtime.sampling.Logits;

/** A run over peers, and things that happen to it at given frames. */
final class Run implements AutoCloseable {
  final List<Peer> peers;
  final List<Recovery> recoveries = Collections.synchronizedList(new ArrayList<>());
  final List<String> notices = Collections.synchronizedList(new ArrayList<>());

  /** Per frame, of each output how many of its largest logits are enough, 0 for all. */
  final List<int[]> wanted = Collections.synchronizedList(new ArrayList<>());

  final RemotePipeline pipeline;
  final Coordinator coordinator;
  private final Map<Integer, Runnable> at = new ConcurrentHashMap<>();
  private final ExecutorService submitting = Executors.newSingleThreadExecutor();
  private int frames;

  Run(Example.Cut cut, List<Peer> peers, int context, RunOptions options) {
    this(cut, peers, context, options, Long.MAX_VALUE);
  }

  /**
   * As the other.
   *
   * @param frameLogits see {@link Coordinator.Limits}
   */
  Run(Example.Cut cut, List<Peer> peers, int context, RunOptions options, long frameLogits) {
    this.peers = new ArrayList<>(peers);
    pipeline =
        new RemotePipeline(
            DeploymentState.of(view(cut, peers)).orElseThrow(),
            "ids",
            options,
            Transport.plain(),
            new RunListener() {
              @Override
              public void notice(String message) {
                notices.add(message);
              }

              @Override
              public void recovered(Recovery recovery) {
                recoveries.add(recovery);
              }
            });
    var limits =
        new Coordinator.Limits(
            context, options.pages(), Example.PAGE_TOKENS, 16, Example.VOCABULARY, frameLogits);
    coordinator = new Coordinator(new Watched(), limits);
  }

  /** The peer that has a stage now. */
  Peer holder(int stage) {
    var name = pipeline.peers().get(stage);
    return peers.stream().filter(peer -> peer.name().equals(name)).findFirst().orElseThrow();
  }

  /** Does something right before a frame is submitted; they count from 0. */
  Run at(int frame, Runnable action) {
    at.put(frame, action);
    return this;
  }

  /** The peers that are ready, in their order, by the broker's last word. */
  static DeploymentView view(Example.Cut cut, List<Peer> peers) {
    var view =
        DeploymentView.newBuilder()
            .setName("example")
            .setPlan(cut.text())
            .setPlanDigest(cut.digest())
            .setPages(3 * Example.PAGES)
            .setPageTokens(Example.PAGE_TOKENS);
    for (int stage = 0; stage < cut.stages(); stage++) {
      var holders = StageHolders.newBuilder();
      for (var peer : peers) {
        if (peer.stages().contains(stage)) {
          holders.addHolders(
              StageHolder.newBuilder()
                  .setPeer(peer.name())
                  .setAddress(peer.holder().address().toString())
                  .setReady(peer.isReady()));
        }
      }
      view.addStages(holders);
    }
    return view.build();
  }

  void update(Example.Cut cut, List<Peer> now) {
    pipeline.update(DeploymentState.of(view(cut, now)).orElseThrow());
  }

  private final class Watched implements Pipeline {
    @Override
    public int depth() {
      return pipeline.depth();
    }

    @Override
    public String input() {
      return pipeline.input();
    }

    /** In order, and on a thread of its own: an action may wait for what the run does meanwhile. */
    @Override
    public CompletableFuture<List<Logits>> submit(Frame frame, int[] enough) {
      wanted.add(enough);
      return CompletableFuture.supplyAsync(() -> acted(frame, enough), submitting)
          .thenCompose(result -> result);
    }

    private CompletableFuture<List<Logits>> acted(Frame frame, int[] enough) {
      var action = at.remove(frames++);
      if (action != null) {
        action.run();
      }
      return pipeline.submit(frame, enough);
    }

    @Override
    public void forget(long session) {
      pipeline.forget(session);
    }

    @Override
    public void close() {
      pipeline.close();
    }
  }

  @Override
  public void close() {
    coordinator.close();
    submitting.shutdown();
  }
}
