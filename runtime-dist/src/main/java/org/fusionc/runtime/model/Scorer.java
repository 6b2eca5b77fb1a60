package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import org.fusionc.ir.Weight;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.exec.LocalStage;
import org.fusionc.runtime.exec.Stage;

/** A compiled model that gives the logits after given tokens, several sequences at a time. */
final class Scorer implements AutoCloseable {
  /** A piece of a sequence whose earlier tokens have been fed before. */
  record Piece(int[] ids, int start, List<Integer> wanted) {}

  private final List<Stage> stages;
  private final int pagesPerSequence;
  private final long weightBytes;

  private Scorer(List<Stage> stages, int pagesPerSequence, long weightBytes) {
    this.stages = stages;
    this.pagesPerSequence = pagesPerSequence;
    this.weightBytes = weightBytes;
  }

  /**
   * Loads the weights.
   *
   * @param context positions of a sequence
   * @param sequences at a time
   */
  static Scorer start(
      ModelSource source,
      Compiler.Compiled compiled,
      Backend backend,
      int threads,
      int context,
      int sequences) {
    Compiler.requireDecoder(compiled.module(), source.name());
    var loader = source.weights();
    var options =
        new Backend.Options(threads, Engine.pages(context, sequences), Engine.PAGE_TOKENS);
    var stages = new ArrayList<Stage>();
    var weights = new LinkedHashSet<Weight>();
    try {
      for (var name : compiled.stages()) {
        var function = compiled.module().function(name);
        weights.addAll(Reachable.weights(function));
        var executable = backend.compile(compiled.module(), name, loader, options);
        stages.add(LocalStage.of(function, executable, 0));
      }
    } catch (RuntimeException | Error failure) {
      stages.forEach(Stage::close);
      throw failure;
    }
    return new Scorer(
        List.copyOf(stages),
        Engine.pages(context, 1),
        weights.stream().mapToLong(Scorer::bytes).sum());
  }

  private static long bytes(Weight weight) {
    var type = weight.tensorType();
    return Elements.bytes(type.dtype(), type.dims().stream().map(d -> d.value()).toList());
  }

  /** Bytes of the weights that the model reads. */
  long weightBytes() {
    return weightBytes;
  }

  /**
   * The logits after the wanted tokens, sequence by sequence: f32 [wanted, vocabulary].
   *
   * @param pieces one for each sequence
   */
  Tensor logits(List<Piece> pieces) {
    int tokens = pieces.stream().mapToInt(piece -> piece.ids.length).sum();
    var ids = new int[tokens];
    var sequence = new int[tokens];
    var position = new int[tokens];
    var outputs = new ArrayList<Integer>();
    var pages = new ArrayList<int[]>();
    var sessions = new ArrayList<Long>();
    int at = 0;
    for (int s = 0; s < pieces.size(); s++) {
      var piece = pieces.get(s);
      for (int row : piece.wanted) {
        outputs.add(at + row);
      }
      for (int i = 0; i < piece.ids.length; i++, at++) {
        ids[at] = piece.ids[i];
        sequence[at] = s;
        position[at] = piece.start + i;
      }
      var own = new int[pagesPerSequence];
      for (int i = 0; i < own.length; i++) {
        own[i] = s * pagesPerSequence + i;
      }
      pages.add(own);
      sessions.add((long) s);
    }
    var batch =
        new Batch(
            sequence, position, outputs.stream().mapToInt(Integer::intValue).toArray(), pages);
    var inputs = new LinkedHashMap<String, Tensor>();
    inputs.put(stages.getFirst().inputs().getFirst(), Tensor.of(ids, tokens));
    var frame = new Frame(sessions, batch, inputs);
    for (var stage : stages) {
      frame = stage.run(frame);
    }
    var logits = frame.tensors().firstEntry().getValue();
    if (!logits.dtype().equals(org.fusionc.ir.DType.Scalar.F32) || logits.shape().size() != 2) {
      throw Diagnostic.failed(
              Location.named("logits"),
              "they are " + logits.type(),
              "a decoder's first result is f32 [outputs, vocabulary]")
          .exception();
    }
    return logits;
  }

  @Override
  public void close() {
    stages.forEach(Stage::close);
  }
}
