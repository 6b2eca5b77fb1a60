package org.fusionc.runtime.stage;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.plan.Plan;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.model.Repacking;
import org.fusionc.runtime.wire.Decoder;
import org.fusionc.runtime.wire.Port;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A stage of a deployment, compiled and loaded: its weights, and the pages of its cache. */
public final class Segment implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Segment.class);

  private final SegmentKey key;
  private final StageProgram program;
  private final Executable executable;
  private final int pages;
  private final int pageTokens;
  private final Decoder decoder;

  private Segment(
      SegmentKey key, StageProgram program, Executable executable, int pages, int pageTokens) {
    this.key = key;
    this.program = program;
    this.executable = executable;
    this.pages = pages;
    this.pageTokens = pageTokens;
    this.decoder = new Decoder(program.inputs());
  }

  /**
   * Compiles one stage and loads its weights, and no others.
   *
   * @param source whose module is not cut yet; to be closed after the segment, whose kernels read
   *     the weights in place
   * @param planDigest SHA-256 of the plan's text
   * @param threads compute threads
   * @param pages pages of the cache, for all runs together
   * @param pageTokens positions per page
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan does not fit the module, the
   *     backend refuses, or a weight is missing or damaged
   */
  public static Segment compile(
      ModelSource source,
      Plan plan,
      String deployment,
      byte[] planDigest,
      int stage,
      Backend backend,
      int threads,
      int pages,
      int pageTokens) {
    var program = StageProgram.compile(source, plan, stage, backend);
    var key = SegmentKey.of(deployment, planDigest, stage);
    return load(source, program, key, backend, new Backend.Options(threads, pages, pageTokens));
  }

  /** Loads the weights of a stage that has been compiled. */
  public static Segment load(
      ModelSource source,
      StageProgram program,
      SegmentKey key,
      Backend backend,
      Backend.Options options) {
    var weights = source.weights(program.storedWeights());
    Repacking.notice(program.module().weights().values(), backend)
        .ifPresent(notice -> LOG.warn("{}: {}", source.name(), notice));
    var executable = backend.compile(program.module(), program.function(), weights, options);
    return new Segment(key, program, executable, options.pages(), options.pageTokens());
  }

  /**
   * The stored weights that a stage needs, by symbol; see {@link StageProgram#storedWeights}. No
   * weight is read.
   */
  public static Set<String> weights(ModelSource source, Plan plan, int stage, Backend backend) {
    return StageProgram.compile(source, plan, stage, backend).storedWeights();
  }

  public SegmentKey key() {
    return key;
  }

  /** What a frame brings, in order, and how it is encoded. */
  public List<Port> inputs() {
    return program.inputs();
  }

  /** The names of the inputs that have a row per token. */
  public Set<String> tokenInputs() {
    return program.tokenInputs();
  }

  /** What the stage gives, in order, and how it travels on. */
  public List<Port> outputs() {
    return program.outputs();
  }

  public int stage() {
    return program.stage();
  }

  /** How many stages the plan has. */
  public int stages() {
    return program.stages();
  }

  public boolean isLast() {
    return stage() == stages() - 1;
  }

  /** Positions that a session can have. */
  public int context() {
    return program.context();
  }

  /** Pages of the cache, for all runs together. */
  public int pages() {
    return pages;
  }

  public int pageTokens() {
    return pageTokens;
  }

  /** Bytes held for weights and cache. */
  public long bytes() {
    return executable.bytes();
  }

  /**
   * Runs a frame; one at a time.
   *
   * @param physical the pages that the run has reserved: the frame's page i is the i-th of them
   */
  Results compute(QueuedFrame work, int[] physical) {
    var batch = work.batch();
    var message = work.message();
    var mapped =
        batch.pages().stream()
            .map(named -> Arrays.stream(named).map(page -> physical[page]).toArray())
            .toList();
    var given = decoder.decode(message.getTensorsList(), batch.tokens(), batch.outputs().length);
    var results =
        executable.run(
            new Batch(batch.sequence(), batch.position(), batch.outputs(), mapped), given);
    return isLast() && message.getBestCount() > 0 && outputs().size() == 1
        ? Results.best(outputs().getFirst(), results.getFirst(), message.getBestList())
        : Results.whole(outputs(), results, batch.tokens(), batch.outputs().length);
  }

  /** Frees weights and cache; no batch may be running. */
  @Override
  public void close() {
    executable.close();
  }
}
