package org.fusionc.runtime.text.template;

/**
 * A piece of a template.
 *
 * @param text for a string its content; for text what is put out
 */
record Token(Kind kind, String text, Position position) {
  enum Kind {
    TEXT,
    BLOCK_BEGIN,
    BLOCK_END,
    OUTPUT_BEGIN,
    OUTPUT_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case BLOCK_END, END -> "the end of the tag";
      case OUTPUT_END -> "'}}'";
      default -> "'" + text + "'";
    };
  }
}
