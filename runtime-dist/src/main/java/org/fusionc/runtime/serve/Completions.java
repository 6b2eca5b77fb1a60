package org.fusionc.runtime.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the requests that generate text with one model. */
final class Completions {
  private static final Logger LOG = LoggerFactory.getLogger(Completions.class);

  /** How often a client's connection is looked at while nothing happens, in milliseconds. */
  private static final long GLANCE = 100;

  private final ServedModel model;
  private final Admission admission;
  private final ApiMetrics metrics;
  private final TokenTexts texts;

  Completions(HostedModel hosted, ApiMetrics metrics) {
    this.model = hosted.model();
    this.admission = hosted.admission();
    this.metrics = metrics;
    this.texts = hosted.texts();
  }

  void answer(Job.Kind kind, Fields body, Exchange exchange) throws InterruptedException {
    var reader = new RequestReader(model, body);
    var job = kind == Job.Kind.CHAT ? reader.chat() : reader.completion();
    try (var run = new Run(model, job, admission)) {
      metrics.accepted(job.prompts().stream().mapToInt(List::size).sum());
      new Answering(job, run, exchange).go();
    }
  }

  /** The work on one answer. */
  private final class Answering {
    private final Job job;
    private final Run run;
    private final Exchange exchange;
    private final Answers answers;
    private final List<ChoiceText> choices;
    private final List<Answers.Collected> collected;
    private final boolean[] opened;
    private final long[] lastToken;

    Answering(Job job, Run run, Exchange exchange) {
      this.job = job;
      this.run = run;
      this.exchange = exchange;
      this.answers = new Answers(model, job, texts);
      this.choices =
          IntStream.range(0, job.choices()).mapToObj(i -> new ChoiceText(model, job, i)).toList();
      this.collected = new ArrayList<>();
      choices.forEach(_ -> collected.add(new Answers.Collected()));
      this.opened = new boolean[job.choices()];
      this.lastToken = new long[job.choices()];
    }

    void go() throws InterruptedException {
      int ended = 0;
      while (ended < choices.size()) {
        var event = run.poll(GLANCE);
        // A model may be quicker than any glance: it is looked after every token, too.
        if (exchange.connection().isGone()) {
          throw new Exchange.Gone();
        }
        if (event != null) {
          ended += take(event) ? 1 : 0;
        }
      }
      if (job.stream()) {
        if (job.includeUsage()) {
          exchange.event(answers.usageChunk(choices));
        }
        exchange.done();
      } else {
        exchange.send(answers.whole(collected, choices));
      }
    }

    /** Whether a choice has come to its end. */
    private boolean take(Run.Event event) {
      var choice = choices.get(event.choice());
      boolean before = choice.finish() != null;
      switch (event) {
        case Run.Event.Token token -> {
          count(token, before);
          out(choice, choice.accept(token.id(), token.scores()));
          if (choice.finish() != null && !before) {
            // A stop string came; what the session does after it is of no interest.
            run.cancel(choice.index);
          }
        }
        case Run.Event.End end -> {
          if (end.failure() != null && !before) {
            throw told(end.failure());
          }
          if (end.reason() != null && !before) {
            out(choice, choice.end(end.reason()));
          }
        }
      }
      return choice.finish() != null && !before;
    }

    private void count(Run.Event.Token token, boolean late) {
      int index = token.choice();
      if (lastToken[index] == 0) {
        metrics.firstToken(token.nanos() - exchange.arrived);
      } else {
        metrics.nextToken(token.nanos() - lastToken[index]);
      }
      lastToken[index] = token.nanos();
      if (!late) {
        metrics.token();
      }
    }

    private void out(ChoiceText choice, ChoiceText.Delta delta) {
      if (!job.stream()) {
        collected.get(choice.index).add(delta);
        return;
      }
      var finish = choice.finish();
      if (delta.isEmpty() && finish == null) {
        return;
      }
      if (job.kind() == Job.Kind.CHAT && !opened[choice.index]) {
        exchange.event(answers.opening(choice.index));
      }
      opened[choice.index] = true;
      if (job.kind() == Job.Kind.CHAT && finish != null && !delta.isEmpty()) {
        // Clients expect the end in a chunk of its own.
        exchange.event(answers.chunk(choice.index, delta, null));
        var nothing = new ChoiceText.Delta("", List.of(), List.of());
        exchange.event(answers.chunk(choice.index, nothing, finish));
      } else {
        exchange.event(answers.chunk(choice.index, delta, finish));
      }
    }
  }

  /** Logs why a text has failed, and gives what to tell its client. */
  static ApiException told(Throwable failure) {
    if (failure instanceof CancellationException || failure instanceof DiagnosticException) {
      LOG.warn("a text has ended early: {}", failure.toString());
    } else {
      LOG.error("a text has failed", failure);
    }
    return failure(failure);
  }

  /** What to tell a client of a failure. */
  static ApiException failure(@Nullable Throwable failure) {
    if (failure instanceof ApiException api) {
      return api;
    }
    if (failure instanceof CancellationException) {
      // Nobody but who closes the model cancels a text whose client is there.
      return new ApiException(
          503, "server_error", "shutting_down", null, "The model is being taken out of use.", 5);
    }
    if (!(failure instanceof DiagnosticException diagnostics)) {
      return ApiException.failed("The server failed to answer; its log says why.");
    }
    var message =
        diagnostics.diagnostics().stream()
            .map(Diagnostic::message)
            .collect(Collectors.joining("; "));
    var kind = diagnostics.failure();
    if (kind == Failure.INVALID_INPUT || kind == Failure.USAGE) {
      return ApiException.invalid(null, message);
    }
    return kind == Failure.CLUSTER
        ? new ApiException(503, "server_error", "cluster_unavailable", null, message, 5)
        : ApiException.failed(message);
  }
}
