package org.fusionc.runtime.text.template;

import org.jspecify.annotations.Nullable;

/** Something is wrong in a template; becomes a diagnostic with the place. */
final class TemplateError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient @Nullable Position position;
  private final boolean raisedByTemplate;

  TemplateError(String message) {
    this(message, null, false);
  }

  TemplateError(String message, @Nullable Position position, boolean raisedByTemplate) {
    super(message, null, false, false);
    this.position = position;
    this.raisedByTemplate = raisedByTemplate;
  }

  static TemplateError at(Position position, String message) {
    return new TemplateError(message, position, false);
  }

  @Nullable Position position() {
    return position;
  }

  /** Whether the template itself called {@code raise_exception}. */
  boolean raisedByTemplate() {
    return raisedByTemplate;
  }
}
