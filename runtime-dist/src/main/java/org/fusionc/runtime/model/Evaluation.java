package org.fusionc.runtime.model;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.jspecify.annotations.Nullable;

/**
 * How well a model foretells a text, and how far another one, such as its quantised form, is from
 * it.
 *
 * <p>The text is read in windows of {@code context} tokens, each beginning {@code stride} tokens
 * after the one before. Every token but the first is foretold once, in the first window that holds
 * it, so that all but those of the first window have at least {@code context - stride} tokens
 * before them. Perplexity is e to the mean of the negative log-likelihoods.
 */
public final class Evaluation {
  /** Tokens that one frame carries at most. */
  private static final int FRAME_TOKENS = 1024;

  /** Bytes of logits that one frame gives at most. */
  private static final long LOGIT_BYTES = 64L << 20;

  /**
   * What to evaluate.
   *
   * @param context tokens of a window
   * @param stride from the start of a window to the next one's; at most {@code context - 1}
   */
  public record Windows(int context, int stride) {}

  /** What runs the model. */
  public record Running(Backend backend, int threads, Compiler.Cut cut) {}

  /**
   * How well one model foretells the text.
   *
   * @param error the standard error of the perplexity
   * @param weightBytes bytes of the weights that it reads
   * @param backend what computed it, as {@link Backend#kind} says: a tier may round more than
   *     others, and what is compared is then compared in it
   */
  public record Quality(double perplexity, double error, long weightBytes, String backend) {}

  /**
   * How far the second model is from the first, over all foretold tokens.
   *
   * @param mean Kullback–Leibler divergence of the second's distribution from the first's, in nats
   * @param largest of all tokens
   * @param agreement the share of tokens for which both hold the same one likeliest
   */
  public record Distance(
      double mean, double median, double percentile99, double largest, double agreement) {}

  /**
   * The outcome.
   *
   * @param tokens of the text
   * @param scored tokens that were foretold
   * @param other null if nothing was compared, as is the distance
   */
  public record Report(
      int tokens,
      int scored,
      int windows,
      Windows shape,
      Quality model,
      @Nullable Quality other,
      @Nullable Distance distance) {}

  /** Hears how far it is. */
  @FunctionalInterface
  public interface Progress {
    void windows(int done, int all);
  }

  private final Windows windows;
  private final int[] ids;
  private final List<Integer> starts = new ArrayList<>();
  private final int vocabulary;
  private final Losses first;
  private final @Nullable Losses second;
  private final double[] divergence;
  private int agreeing;
  private int scored;

  private Evaluation(Windows windows, int[] ids, int vocabulary, boolean both) {
    this.windows = windows;
    this.ids = ids;
    this.vocabulary = vocabulary;
    for (int start = 0; ; start += windows.stride) {
      starts.add(start);
      if (start + windows.context >= ids.length) {
        break;
      }
    }
    this.first = new Losses(ids.length - 1);
    this.second = both ? new Losses(ids.length - 1) : null;
    this.divergence = new double[both ? ids.length - 1 : 0];
  }

  /**
   * The tokens of a text file.
   *
   * @param most how many to take at most
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there is no such text, no tokenizer,
   *     or nothing to foretell
   */
  public static int[] tokens(ModelSource source, Path text, int most) {
    var all = source.requireTokenizer("read a text").encode(read(text), true);
    if (all.length < 2) {
      throw Diagnostic.invalid(
              Location.named(text.toString()),
              "the text has %d tokens: there is nothing to foretell".formatted(all.length),
              "give a longer text")
          .exception();
    }
    if (most < 2) {
      throw Diagnostic.usage("--tokens is " + most, "give 2 or more").exception();
    }
    return all.length > most ? Arrays.copyOf(all, most) : all;
  }

  private static String read(Path text) {
    try {
      return Files.readString(text);
    } catch (CharacterCodingException notText) {
      throw Diagnostic.invalid(
              Location.named(text.toString()), "it is not text in UTF-8", "convert it")
          .exception();
    } catch (IOException failure) {
      throw Diagnostic.invalid(
              Location.named(text.toString()),
              "it cannot be read: " + IoReason.of(failure),
              "check the path")
          .exception();
    }
  }

  /**
   * The windows to read a text in.
   *
   * @param context null for 512, or the model's if that is less
   * @param stride null for half the context
   */
  public static Windows windows(
      ModelSource source, @Nullable Integer context, @Nullable Integer stride) {
    int most = source.context();
    int length = context == null ? Math.min(512, most) : context;
    if (length < 2 || length > most) {
      throw Diagnostic.usage(
              "--context is " + length, "give 2 to %d, the model's context".formatted(most))
          .exception();
    }
    int step = stride == null ? Math.max(1, length / 2) : stride;
    if (step < 1 || step > length - 1) {
      throw Diagnostic.usage(
              "--stride is " + step,
              "give 1 to %d, so that windows overlap by a token".formatted(length - 1))
          .exception();
    }
    return new Windows(length, step);
  }

  /**
   * A model to read the text with.
   *
   * @param quantize the formats of its weights; null to leave them as they are
   */
  public record Subject(ModelSource source, @Nullable String quantize) {}

  /**
   * Reads the text with a model, and with another one beside it.
   *
   * @param ids the text
   * @param other what is compared with the model; null to evaluate the model alone
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a model does not compile or load, or
   *     their vocabularies differ
   */
  public static Report run(
      int[] ids,
      Windows windows,
      Subject model,
      @Nullable Subject other,
      Running running,
      Progress progress) {
    int vocabulary = Generation.vocabulary(model.source);
    int sequences = sequences(windows, vocabulary);
    if (other != null && Generation.vocabulary(other.source) != vocabulary) {
      throw Diagnostic.invalid(
              Location.named(other.source.name()),
              "it knows %d tokens, but %s knows %d"
                  .formatted(Generation.vocabulary(other.source), model.source.name(), vocabulary),
              "compare models of one tokenizer")
          .exception();
    }
    try (var first = scorer(model, windows, sequences, running)) {
      if (other == null) {
        var evaluation = new Evaluation(windows, ids, vocabulary, false);
        evaluation.read(first, null, sequences, progress);
        return evaluation.report(first, null, running.backend.kind());
      }
      try (var second = scorer(other, windows, sequences, running)) {
        var evaluation = new Evaluation(windows, ids, vocabulary, true);
        evaluation.read(first, second, sequences, progress);
        return evaluation.report(first, second, running.backend.kind());
      }
    }
  }

  private static int sequences(Windows windows, int vocabulary) {
    long rows = Math.min(FRAME_TOKENS, LOGIT_BYTES / (4L * vocabulary));
    return (int) Math.max(1, rows / windows.context);
  }

  private static Scorer scorer(Subject subject, Windows windows, int sequences, Running running) {
    var source = subject.source;
    var options =
        Compiler.Options.of(running.cut, running.backend, Phase.SCHEDULED)
            .quantized(subject.quantize);
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    return Scorer.start(
        source, compiled, running.backend, running.threads, windows.context, sequences);
  }

  private void read(Scorer model, @Nullable Scorer other, int sequences, Progress progress) {
    int piece =
        Math.clamp(LOGIT_BYTES / (4L * vocabulary), 1, Math.min(FRAME_TOKENS, windows.context));
    for (int w = 0; w < starts.size(); w += sequences) {
      progress.windows(w, starts.size());
      var group = starts.subList(w, Math.min(starts.size(), w + sequences));
      for (int from = 0; from < windows.context; from += piece) {
        var pieces = new ArrayList<Scorer.Piece>();
        var targets = new ArrayList<Integer>();
        for (int start : group) {
          pieces.add(piece(start, from, from + piece, targets));
        }
        // Only the last window of all can end before the others.
        pieces.removeIf(p -> p.ids().length == 0);
        if (pieces.isEmpty()) {
          break;
        }
        compare(
            model.logits(pieces),
            other == null ? null : other.logits(pieces),
            targets.stream().mapToInt(i -> ids[i]).toArray());
      }
    }
    progress.windows(starts.size(), starts.size());
  }

  /** A piece of a window; the places of the tokens that it foretells are added to the targets. */
  private Scorer.Piece piece(int start, int from, int to, List<Integer> targets) {
    int end = Math.min(ids.length, start + Math.min(to, windows.context));
    int begin = Math.min(end, start + from);
    // What the window before held has been foretold.
    int fresh = start == 0 ? 1 : start - windows.stride + windows.context;
    int last = Math.min(ids.length, start + windows.context);
    var wanted = new ArrayList<Integer>();
    for (int i = begin; i < end; i++) {
      if (i + 1 >= fresh && i + 1 < last) {
        wanted.add(i - begin);
        targets.add(i + 1);
      }
    }
    return new Scorer.Piece(Arrays.copyOfRange(ids, begin, end), from, wanted);
  }

  private void compare(Tensor logits, @Nullable Tensor others, int[] targets) {
    int base = scored;
    var agree = new boolean[targets.length];
    IntStream.range(0, targets.length)
        .parallel()
        .forEach(row -> {
          var a = Distribution.of(logits, row, vocabulary);
          first.set(base + row, -a.logProbability(targets[row]));
          if (others != null && second != null) {
            var b = Distribution.of(others, row, vocabulary);
            second.set(base + row, -b.logProbability(targets[row]));
            divergence[base + row] = a.divergence(b);
            agree[row] = a.likeliest() == b.likeliest();
          }
        });
    for (boolean each : agree) {
      agreeing += each ? 1 : 0;
    }
    scored += targets.length;
  }

  private Report report(Scorer model, @Nullable Scorer other, String backend) {
    Distance distance = null;
    Quality quality = null;
    if (other != null && second != null) {
      var sorted = Arrays.copyOf(divergence, scored);
      Arrays.sort(sorted);
      distance =
          new Distance(
              Arrays.stream(sorted).sum() / scored,
              sorted[scored / 2],
              sorted[(int) Math.min(scored - 1, Math.ceil(scored * 0.99) - 1)],
              sorted[scored - 1],
              (double) agreeing / scored);
      quality = second.quality(scored, other.weightBytes(), backend);
    }
    return new Report(
        ids.length,
        scored,
        starts.size(),
        windows,
        first.quality(scored, model.weightBytes(), backend),
        quality,
        distance);
  }

  /** Negative log-likelihoods, token by token. */
  private static final class Losses {
    private final double[] losses;

    Losses(int most) {
      losses = new double[most];
    }

    void set(int i, double loss) {
      losses[i] = loss;
    }

    Quality quality(int count, long weightBytes, String backend) {
      double mean = Arrays.stream(losses, 0, count).sum() / count;
      double square = 0;
      for (int i = 0; i < count; i++) {
        square += (losses[i] - mean) * (losses[i] - mean);
      }
      double error = Math.sqrt(square / Math.max(1, count - 1) / count);
      double perplexity = Math.exp(mean);
      return new Quality(perplexity, perplexity * error, weightBytes, backend);
    }
  }
}
