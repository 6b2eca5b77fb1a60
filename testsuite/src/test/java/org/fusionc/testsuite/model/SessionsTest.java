package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.fusionc.ir.backend.Backend;
import org.fusionc.runtime.exec.BoundaryLog;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Coordinator;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.exec.LocalPipeline;
import org.fusionc.runtime.exec.LocalStage;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.exec.Stage;
import org.fusionc.runtime.exec.TokenListener;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;

/** Many sessions at once, and stages that lose their memory. */
class SessionsTest {
  private static List<Integer> prompt(int number) {
    var random = new Random(number);
    var ids = new ArrayList<Integer>();
    for (int i = 0; i <= random.nextInt(1, 60); i++) {
      ids.add(random.nextInt(1024));
    }
    return ids;
  }

  @Test
  void sixtyFourSessionsThroughThreeStagesGetTheIdsThatEachGetsAlone() {
    try (var source = Models.open(Models.example())) {
      var alone = new ArrayList<List<Integer>>();
      try (var engine = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 1)) {
        for (int i = 0; i < 64; i++) {
          alone.add(Models.greedy(engine, prompt(i), 24).ids());
        }
      }
      // Room for fewer sessions than there are: some have to wait for others to end.
      try (var engine = Models.engine(source, "cpu", Compiler.Cut.stages(3), 4)) {
        var sessions = new ArrayList<Session>();
        for (int i = 0; i < 64; i++) {
          var request = new Request(prompt(i), SamplingOptions.greedy(), 24, Set.of());
          sessions.add(engine.submit(request, id -> true));
        }
        for (int i = 0; i < 64; i++) {
          assertThat(sessions.get(i).await().ids()).as("session %d", i).isEqualTo(alone.get(i));
        }
      }
    }
  }

  @Test
  void sampledSessionsDoNotDependOnTheirCompany() {
    var sampling = SamplingOptions.greedy().withTemperature(0.9f).withTopK(40).withSeed(7);
    try (var source = Models.open(Models.example());
        var engine = Models.engine(source, "cpu", Compiler.Cut.stages(2), 8)) {
      var request = new Request(prompt(3), sampling, 20, Set.of());
      var alone = engine.submit(request, id -> true).await().ids();
      var others = new ArrayList<Session>();
      for (int i = 0; i < 7; i++) {
        others.add(
            engine.submit(new Request(prompt(i), sampling.withSeed(i), 20, Set.of()), id -> true));
      }
      assertThat(engine.submit(request, id -> true).await().ids()).isEqualTo(alone);
      others.forEach(Session::await);
    }
  }

  @Test
  void aCancelledSessionEndsAndTheOthersGoOn() {
    try (var source = Models.open(Models.example());
        var engine = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 2)) {
      var expected = Models.greedy(engine, prompt(1), 30).ids();
      var request = new Request(prompt(2), SamplingOptions.greedy(), 400, Set.of());
      var cancelled = engine.submit(request, id -> true);
      var other =
          engine.submit(new Request(prompt(1), SamplingOptions.greedy(), 30, Set.of()), id -> true);
      cancelled.cancel();
      assertThat(cancelled.await().reason()).isEqualTo(Completion.Reason.CANCELLED);
      assertThat(other.await().ids()).isEqualTo(expected);
    }
  }

  @Test
  void generationStopsWhenTheContextIsFull() {
    try (var source = Models.open(Models.example());
        var engine = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 1)) {
      var ids = new ArrayList<Integer>();
      for (int i = 0; i < source.context() - 4; i++) {
        ids.add(i % 1000);
      }
      var completion = Models.greedy(engine, ids, 100);
      assertThat(completion.reason()).isEqualTo(Completion.Reason.CONTEXT);
      // Four more positions, and the token after the last one.
      assertThat(completion.ids()).hasSize(5);
    }
  }

  /** A stage whose memory can be taken away. */
  private static final class Losable implements Stage {
    private Stage current;

    Losable(Stage first) {
      current = first;
    }

    @Override
    public List<String> inputs() {
      return current.inputs();
    }

    @Override
    public Set<String> tokenInputs() {
      return current.tokenInputs();
    }

    @Override
    public List<String> outputs() {
      return current.outputs();
    }

    @Override
    public Frame run(Frame frame) {
      return current.run(frame);
    }

    @Override
    public long bytes() {
      return current.bytes();
    }

    @Override
    public void close() {
      current.close();
    }
  }

  @Test
  void aStageThatLostItsCacheIsRebuiltFromTheBoundaryAndTheTokensAreTheSame() {
    try (var source = Models.open(Models.example())) {
      List<Integer> undisturbed;
      try (var engine = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 1)) {
        undisturbed = Models.greedy(engine, prompt(5), 40).ids();
      }
      var backend = Compiler.backend("cpu");
      var compiled = Models.compile(source, "cpu", Compiler.Cut.stages(3));
      var settings = new Backend.Options(2, Engine.pages(128, 1), Engine.PAGE_TOKENS);
      var stages = new ArrayList<Losable>();
      for (var name : compiled.stages()) {
        stages.add(new Losable(fresh(source, backend, compiled, name, settings)));
      }
      var log = new BoundaryLog();
      var limits =
          new Coordinator.Limits(
              source.context(), settings.pages(), settings.pageTokens(), 512, 1024, 1 << 20);
      var pages = new int[settings.pages()];
      for (int i = 0; i < pages.length; i++) {
        pages[i] = i;
      }
      try (var coordinator = new Coordinator(new LocalPipeline(stages, log), limits)) {
        var count = new int[1];
        var session =
            coordinator.submit(
                new Request(prompt(5), SamplingOptions.greedy(), 40, Set.of()),
                TokenListener.prompt(id -> {
                  // No frame is under way here: this is the only session. Each stage dies in turn.
                  int stage = count[0]++ / 7;
                  if (count[0] % 7 == 0 && stage < stages.size()) {
                    var name = compiled.stages().get(stage);
                    var old = stages.get(stage).current;
                    stages.get(stage).current = fresh(source, backend, compiled, name, settings);
                    old.close();
                    var replay = log.replay(stage, 1, pages).orElseThrow();
                    stages.get(stage).run(replay);
                  }
                  return true;
                }));
        assertThat(session.await().ids()).isEqualTo(undisturbed);
        assertThat(count[0]).isEqualTo(40);
      }
    }
  }

  private static Stage fresh(
      org.fusionc.runtime.model.ModelSource source,
      Backend backend,
      Compiler.Compiled compiled,
      String name,
      Backend.Options settings) {
    var executable = backend.compile(compiled.module(), name, source.weights(), settings);
    return LocalStage.of(compiled.module().function(name), executable, 3);
  }
}
