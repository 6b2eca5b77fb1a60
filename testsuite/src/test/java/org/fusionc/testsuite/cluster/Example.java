package org.fusionc.testsuite.cluster;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.runtime.stage.Segment;
import org.fusionc.testsuite.Repository;

/** The example model, and plans that cut it. */
final class Example {
  static final int PAGE_TOKENS = Engine.PAGE_TOKENS;
  static final int PAGES = 96;
  static final int VOCABULARY = 1024;

  private static final Backend BACKEND = Compiler.backend("cpu");

  /** A plan, its text and digest. */
  record Cut(Plan plan, String text, ByteString digest) {
    int stages() {
      return plan.stages().size();
    }
  }

  private Example() {}

  static ModelSource open() {
    return ModelSource.open(Repository.root().resolve("examples/shakespeare"), DType.Scalar.F32);
  }

  static Cut cut(ModelSource source, int stages) {
    var options = Compiler.Options.whole(BACKEND, Phase.QUANTIZED);
    var module = Compiler.compile(source.module(), source.phase(), options).module();
    var plan = InProcess.stages(module, stages);
    var text = FirPrinter.print(Module.empty(new Graph()).withPlan(plan));
    try {
      var digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return new Cut(plan, text, ByteString.copyFrom(digest));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static Segment segment(ModelSource source, Cut cut, int stage) {
    return Segment.compile(
        source,
        cut.plan,
        "example",
        cut.digest.toByteArray(),
        stage,
        BACKEND,
        1,
        3 * PAGES,
        PAGE_TOKENS);
  }

  static Engine engine(ModelSource source) {
    var options = Compiler.Options.whole(BACKEND, Phase.SCHEDULED);
    return Engine.start(
        source,
        Compiler.compile(source.module(), source.phase(), options),
        BACKEND,
        new Engine.Options(1, source.context(), PAGES, false));
  }

  static Request request(int number, int prompt, int tokens) {
    var random = new Random(number);
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < prompt; i++) {
      ids.add(random.nextInt(VOCABULARY));
    }
    var sampling =
        number % 2 == 0
            ? SamplingOptions.greedy()
            : SamplingOptions.greedy().withTemperature(0.9f).withTopK(40).withSeed(number);
    return new Request(ids, sampling, tokens, Set.of());
  }

  static List<Integer> ids(Engine engine, Request request) {
    return engine.submit(request, id -> true).await().ids();
  }
}
