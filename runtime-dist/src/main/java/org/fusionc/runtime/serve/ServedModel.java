package org.fusionc.runtime.serve;

import java.util.Optional;
import java.util.Set;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.runtime.text.ChatTemplate;
import org.fusionc.runtime.text.Tokenizer;

/**
 * A model that is ready for requests.
 *
 * @param name what clients call it
 * @param engine what runs it; not closed with this
 * @param chatTemplate empty if the model is not made for chat
 * @param sampling how to sample where a request says nothing
 * @param endOfText ids that end a text
 * @param vocabulary how many ids the model knows
 */
public record ServedModel(
    String name,
    Engine engine,
    Tokenizer tokenizer,
    Optional<ChatTemplate> chatTemplate,
    SamplingOptions sampling,
    Set<Integer> endOfText,
    int vocabulary)
    implements AutoCloseable {

  /**
   * A model with the engine that runs it.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it has no tokenizer
   */
  public static ServedModel of(String name, ModelSource source, Engine engine) {
    var tokenizer = source.requireTokenizer("answer with text");
    var recommended = source.generation().recommended();
    return new ServedModel(
        name,
        engine,
        tokenizer,
        source.chatTemplate(),
        // Without a recommendation it is the API's own default that clients count on.
        recommended.isGreedy() ? recommended.withTemperature(1) : recommended,
        source.endOfText(),
        Generation.vocabulary(source));
  }

  /** Positions that a sequence can have. */
  int context() {
    return engine.limits().context();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
