package org.fusionc.runtime.text.template;

import java.util.List;
import org.fusionc.runtime.text.template.Token.Kind;

/** Where the parser stands in the tokens. */
final class TokenCursor {
  private final List<Token> tokens;
  private int at;

  TokenCursor(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token next() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(at);
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean isOperator(String operator) {
    return current().isOperator(operator);
  }

  boolean isName(String name) {
    return current().isName(name);
  }

  boolean is(Kind kind) {
    return current().kind() == kind;
  }

  boolean takeOperator(String operator) {
    boolean there = isOperator(operator);
    if (there) {
      take();
    }
    return there;
  }

  boolean takeName(String name) {
    boolean there = isName(name);
    if (there) {
      take();
    }
    return there;
  }

  void expectOperator(String operator) {
    if (!takeOperator(operator)) {
      throw expected("'" + operator + "'");
    }
  }

  String expectName() {
    if (!is(Kind.NAME)) {
      throw expected("a name");
    }
    return take().text();
  }

  void expectBlockEnd() {
    if (!is(Kind.BLOCK_END)) {
      throw expected("the end of the tag");
    }
    take();
  }

  TemplateError expected(String what) {
    return TemplateError.at(current().position(), "expected " + what + ", found " + current());
  }
}
