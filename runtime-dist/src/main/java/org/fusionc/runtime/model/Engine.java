package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Plan;
import org.fusionc.partitioner.WireFormat;
import org.fusionc.runtime.exec.BoundaryLog;
import org.fusionc.runtime.exec.Coordinator;
import org.fusionc.runtime.exec.LocalPipeline;
import org.fusionc.runtime.exec.LocalStage;
import org.fusionc.runtime.exec.Pipeline;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.exec.Stage;
import org.fusionc.runtime.exec.TokenListener;
import org.fusionc.runtime.net.Transport;
import org.jspecify.annotations.Nullable;

/**
 * A compiled model that runs, here or elsewhere: its stages, and the coordinator that drives them.
 */
public final class Engine implements AutoCloseable {
  /** Positions per page of the KV cache. */
  public static final int PAGE_TOKENS = 16;

  /** Tokens that one frame carries at most: enough to keep a gemm busy, few enough to share. */
  private static final int FRAME_TOKENS = 512;

  /** Three quarters of a message; what else a result says is far smaller than the rest. */
  private static final long MESSAGE_LOGITS = Transport.MAX_MESSAGE / 4 * 3 / Float.BYTES;

  /**
   * How to run.
   *
   * @param threads compute threads
   * @param context positions that a sequence can have
   * @param pages pages of the KV cache, for all sessions together; see {@link #pages}
   * @param keepBoundaries whether what enters each stage is kept for replay
   */
  public record Options(int threads, int context, int pages, boolean keepBoundaries) {}

  /** A number of threads that makes sense. */
  public static int checkThreads(int threads) {
    if (threads < 1 || threads > 1024) {
      throw Diagnostic.usage("--threads is " + threads, "give a number from 1 to 1024").exception();
    }
    return threads;
  }

  /** The pages that a number of sessions need, each with so many positions. */
  public static int pages(int positions, int sessions) {
    return Math.multiplyExact(Math.max(1, Math.ceilDiv(positions, PAGE_TOKENS)), sessions);
  }

  private final List<Stage> stages;
  private final List<Function> functions;
  private final @Nullable BoundaryLog boundaries;
  private final Coordinator coordinator;

  private final int vocabulary;

  private Engine(
      List<Stage> stages,
      List<Function> functions,
      @Nullable BoundaryLog boundaries,
      Coordinator coordinator,
      int vocabulary) {
    this.functions = functions;
    this.vocabulary = vocabulary;
    this.stages = stages;
    this.boundaries = boundaries;
    this.coordinator = coordinator;
  }

  /**
   * Loads a compiled module's weights and starts its stages.
   *
   * @param source where the weights are; to be closed after the engine, whose kernels read them in
   *     place
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan wants what one process does
   *     not do, or the backend refuses
   */
  public static Engine start(
      ModelSource source, Compiler.Compiled compiled, Backend backend, Options options) {
    Compiler.requireDecoder(compiled.module(), source.name());
    compiled.module().plan().ifPresent(Engine::requirePlainEdges);
    var loader = source.weights();
    var settings = new Backend.Options(options.threads, options.pages, PAGE_TOKENS);
    var stages = new ArrayList<Stage>();
    // As many frames are under way as there are stages; of one stage, the coordinator has done with
    // a result before it sends the next frame.
    int runs = compiled.stages().size() == 1 ? 0 : compiled.stages().size();
    try {
      for (var name : compiled.stages()) {
        var executable = backend.compile(compiled.module(), name, loader, settings);
        stages.add(LocalStage.of(compiled.module().function(name), executable, runs));
      }
    } catch (RuntimeException | Error failure) {
      stages.forEach(Stage::close);
      throw failure;
    }
    var boundaries = options.keepBoundaries ? new BoundaryLog() : null;
    int vocabulary = Generation.vocabulary(source);
    var limits =
        new Coordinator.Limits(
            options.context, options.pages, PAGE_TOKENS, FRAME_TOKENS, vocabulary, Long.MAX_VALUE);
    var coordinator = new Coordinator(new LocalPipeline(stages, boundaries), limits);
    var functions = compiled.stages().stream().map(compiled.module()::function).toList();
    return new Engine(stages, functions, boundaries, coordinator, vocabulary);
  }

  /**
   * An engine over stages that are elsewhere.
   *
   * @param pipeline closed with the engine
   * @param context positions that a sequence can have
   * @param pages pages of the KV cache, for all sessions together
   * @param vocabulary token ids that the model knows
   */
  public static Engine over(Pipeline pipeline, int context, int pages, int vocabulary) {
    var limits =
        new Coordinator.Limits(
            context, pages, PAGE_TOKENS, FRAME_TOKENS, vocabulary, MESSAGE_LOGITS);
    return new Engine(List.of(), List.of(), null, new Coordinator(pipeline, limits), vocabulary);
  }

  /**
   * Frames that do not leave the process carry f32. An edge that is to round what crosses it would
   * give other tokens over the wire than here.
   */
  private static void requirePlainEdges(Plan plan) {
    for (var edge : plan.edges()) {
      var format = WireFormat.of(edge);
      if (format != WireFormat.F32) {
        throw Diagnostic.invalid(
                edge.origin().location().isKnown()
                    ? edge.origin().location()
                    : Location.named("plan @" + plan.name()),
                edge.title() + ": encode is " + format + ", but stages in one process hand on f32",
                "write encode = f32, or delete the edge lines")
            .exception();
      }
    }
  }

  /**
   * Begins a session; see {@link Coordinator#submit}.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the prompt has an id that the model
   *     does not know, as well
   */
  public Session submit(Request request, TokenListener listener) {
    // Stages refuse such a frame, and with it all others that are in it.
    for (int id : request.prompt()) {
      if (id < 0 || id >= vocabulary) {
        throw Diagnostic.invalid(
                Location.named("prompt"),
                "it has the token id %d, but the model knows 0 to %d".formatted(id, vocabulary - 1),
                "check that the ids are of this model's tokenizer")
            .exception();
      }
    }
    return coordinator.submit(request, listener);
  }

  /** The stages in this process; none if they are elsewhere. */
  public List<Stage> stages() {
    return stages;
  }

  /** What the stages in this process run. */
  public List<Function> functions() {
    return functions;
  }

  /** What entered each stage; null unless it is kept. */
  public @Nullable BoundaryLog boundaries() {
    return boundaries;
  }

  /** What bounds the sessions. */
  public Coordinator.Limits limits() {
    return coordinator.limits();
  }

  /** Why a new session would wait or fail, as far as stages go; empty if it would not. */
  public Optional<String> unready() {
    return coordinator.unready();
  }

  /** Pages of the KV cache that sessions hold now. */
  public int pagesUsed() {
    return coordinator.pagesUsed();
  }

  /** What it has to do. */
  public Coordinator.Load load() {
    return coordinator.load();
  }

  /** Bytes held for weights and cache in this process. */
  public long bytes() {
    return stages.stream().mapToLong(Stage::bytes).sum();
  }

  @Override
  public void close() {
    coordinator.close();
  }
}
