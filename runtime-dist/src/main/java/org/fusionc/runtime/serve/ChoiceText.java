package org.fusionc.runtime.serve;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.sampling.LogProbabilities;
import org.fusionc.runtime.text.StopStrings;
import org.fusionc.runtime.text.TextStream;
import org.jspecify.annotations.Nullable;

/** A choice's text as it grows, on the thread that writes the answer. */
final class ChoiceText {
  /** A generated token with its scores. */
  record Scored(int id, LogProbabilities.Choice scores) {}

  /** What can go out to the client. */
  record Delta(String text, List<ToolCalls.Call> calls, List<Scored> scored) {
    boolean isEmpty() {
      return text.isEmpty() && calls.isEmpty();
    }
  }

  final int index;
  private final TextStream stream;
  private final StopStrings stops;
  private final @Nullable ToolCalls tools;
  private final List<Scored> scored = new ArrayList<>();
  private int tokens;
  private @Nullable String finish;

  ChoiceText(ServedModel model, Job job, int index) {
    this.index = index;
    var prompt = job.prompt(index).stream().mapToInt(Integer::intValue).toArray();
    this.stream = model.tokenizer().stream(true).after(prompt);
    this.stops = new StopStrings(job.stops());
    this.tools = job.parseTools() ? new ToolCalls() : null;
  }

  /** Takes a token; one that comes after the end changes nothing. */
  Delta accept(int id, LogProbabilities.@Nullable Choice scores) {
    if (finish != null) {
      return new Delta("", List.of(), List.of());
    }
    tokens++;
    if (scores != null) {
      scored.add(new Scored(id, scores));
    }
    var text = stops.accept(stream.accept(id));
    var piece = tools == null ? new ToolCalls.Piece(text, List.of()) : tools.accept(text);
    if (stops.found().isPresent()) {
      return last(piece.text(), piece.calls(), "stop");
    }
    if (piece.text().isEmpty() && piece.calls().isEmpty()) {
      // Scores go out once, with the text that they belong to.
      return new Delta("", List.of(), List.of());
    }
    var delta = new Delta(piece.text(), piece.calls(), List.copyOf(scored));
    scored.clear();
    return delta;
  }

  /** The session ended. */
  Delta end(Completion.Reason reason) {
    if (finish != null) {
      return new Delta("", List.of(), List.of());
    }
    var text = stops.accept(stream.finish());
    text += stops.found().isPresent() ? "" : stops.finish();
    var piece = tools == null ? new ToolCalls.Piece(text, List.of()) : tools.accept(text);
    boolean stopped = reason == Completion.Reason.STOP || stops.found().isPresent();
    return last(piece.text(), piece.calls(), stopped ? "stop" : "length");
  }

  private Delta last(String text, List<ToolCalls.Call> calls, String reason) {
    var rest = tools == null ? "" : tools.finish();
    finish = tools != null && tools.any() && reason.equals("stop") ? "tool_calls" : reason;
    var delta = new Delta(text + rest, calls, List.copyOf(scored));
    scored.clear();
    return delta;
  }

  /** OpenAI's word for how it ended; null before that. */
  @Nullable String finish() {
    return finish;
  }

  /** How many tokens the text took, without the one that ended it. */
  int tokens() {
    return tokens;
  }
}
