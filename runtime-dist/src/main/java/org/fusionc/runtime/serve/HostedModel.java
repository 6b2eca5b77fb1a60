package org.fusionc.runtime.serve;

/** A model, and who may use it now and who waits. */
public final class HostedModel {
  private final ServedModel model;
  private final Admission admission;
  private final TokenTexts texts;

  /**
   * A model with nobody at it.
   *
   * @param model not closed with this
   * @param sessions texts that are generated at once
   * @param maxQueue texts that wait for their turn at most; more are refused
   */
  public HostedModel(ServedModel model, int sessions, int maxQueue) {
    this.model = model;
    this.admission = new Admission(sessions, maxQueue);
    this.texts = new TokenTexts(model.tokenizer());
  }

  ServedModel model() {
    return model;
  }

  Admission admission() {
    return admission;
  }

  TokenTexts texts() {
    return texts;
  }
}
