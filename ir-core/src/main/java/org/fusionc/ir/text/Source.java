package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.atn.PredictionMode;
import org.fusionc.grammar.FirLexer;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.jspecify.annotations.Nullable;

/** A text with its tokens, and the parser standing at one of them. */
final class Source {
  /** Deeper nesting than this is no program, and must not exhaust the stack. */
  private static final int MAX_NESTING = 64;

  private final String file;
  private final CommonTokenStream tokens;
  private final Expectations expectations = new Expectations(this);
  final FirParser parser;

  /**
   * @throws DiagnosticException if brackets nest too deeply
   */
  Source(String text, String file) {
    this.file = file;
    var lexer =
        new FirLexer(CharStreams.fromString(text.startsWith("\uFEFF") ? text.substring(1) : text));
    lexer.removeErrorListeners();
    tokens = new CommonTokenStream(lexer);
    tokens.fill();
    checkNesting();
    parser = new FirParser(tokens);
    parser.removeErrorListeners();
    parser.setErrorHandler(expectations);
    parser.getInterpreter().setPredictionMode(PredictionMode.SLL);
  }

  private void checkNesting() {
    int depth = 0;
    for (var token : tokens.getTokens()) {
      switch (token.getType()) {
        case FirLexer.LPAREN, FirLexer.LBRACE, FirLexer.LBRACKET -> {
          if (++depth > MAX_NESTING) {
            throw Diagnostic.invalid(
                    location(token),
                    "brackets nest more than " + MAX_NESTING + " deep",
                    "close those that are open")
                .exception();
          }
        }
        case FirLexer.RPAREN, FirLexer.RBRACE, FirLexer.RBRACKET -> depth = Math.max(0, depth - 1);
        default -> {}
      }
    }
  }

  Location location(Token token) {
    return new Location.Text(file, token.getLine(), token.getCharPositionInLine() + 1);
  }

  Location location(ParserRuleContext context) {
    return location(context.getStart());
  }

  /** The token {@code ahead} tokens from here, which is 1 for the next; comments do not count. */
  Token peek(int ahead) {
    return tokens.LT(ahead);
  }

  Token next() {
    return peek(1);
  }

  boolean at(int type) {
    return tokens.LA(1) == type;
  }

  boolean at(int type, int following) {
    return tokens.LA(1) == type && tokens.LA(2) == following;
  }

  /** Goes on at the token. */
  void seek(Token token) {
    tokens.seek(token.getTokenIndex());
  }

  /** Passes over the next token, which must be of this type. */
  Token take(int type) {
    if (!at(type)) {
      var phrases = expectations.phrases(parser);
      phrases.add(FirParser.VOCABULARY.getDisplayName(type));
      throw unexpected(next(), phrases);
    }
    return skip();
  }

  Token skip() {
    var token = next();
    tokens.consume();
    return token;
  }

  /** The token before {@code token}, comments aside; null if it is the first. */
  @Nullable Token before(Token token) {
    for (int i = token.getTokenIndex() - 1; i >= 0; i--) {
      if (tokens.get(i).getChannel() == Token.DEFAULT_CHANNEL) {
        return tokens.get(i);
      }
    }
    return null;
  }

  boolean isFirstOnLine(Token token) {
    var before = before(token);
    return before == null || before.getLine() < token.getLine();
  }

  private boolean isLastOnLine(Token token) {
    for (int i = token.getTokenIndex() + 1; i < tokens.size(); i++) {
      if (tokens.get(i).getChannel() == Token.DEFAULT_CHANNEL) {
        return tokens.get(i).getLine() > token.getLine();
      }
    }
    return true;
  }

  /** The error that this token stands where something else was expected. */
  DiagnosticException unexpected(Token token, Collection<String> expected) {
    var before = before(token);
    if (token.getType() == FirParser.EQUALS
        && before != null
        && before.getType() == FirParser.VALUE
        && isFirstOnLine(before)) {
      // The line before goes on where it should have ended, or has to go on and does not.
      return unexpected(before, List.of("an operand"));
    }
    if (before != null
        && before.getLine() < token.getLine()
        && token.getType() != FirParser.UNTERMINATED_STRING
        && token.getType() != FirParser.UNKNOWN) {
      var place =
          new Location.Text(
              file,
              before.getLine(),
              before.getCharPositionInLine() + before.getText().length() + 1);
      return expectedError(
          place, expected, token.getType() == Token.EOF ? "the end of the file" : "a new line");
    }
    return expectedError(location(token), expected, found(token));
  }

  private static DiagnosticException expectedError(
      Location location, Collection<String> expected, String found) {
    return Diagnostic.invalid(location, "expected " + either(expected) + ", found " + found, "")
        .exception();
  }

  /** What could follow here, besides {@code more}. */
  DiagnosticException unexpectedNext(String... more) {
    var phrases = expectations.phrases(parser);
    phrases.addAll(List.of(more));
    return unexpected(next(), phrases);
  }

  /** The error that the next token does not belong here, whatever the line before it lacks. */
  DiagnosticException misplaced(String... expected) {
    return expectedError(location(next()), List.of(expected), found(next()));
  }

  static String either(Collection<String> phrases) {
    var all = List.copyOf(phrases);
    return all.size() < 2
        ? String.join("", all)
        : String.join(", ", all.subList(0, all.size() - 1)) + " or " + all.getLast();
  }

  static String found(Token token) {
    var text = token.getText();
    return switch (token.getType()) {
      case Token.EOF -> "the end of the file";
      case FirParser.UNTERMINATED_STRING -> "a text whose quotes do not close on its line";
      case FirParser.UNKNOWN -> "the character '" + text + "'";
      default -> "'" + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + "'";
    };
  }

  /** The text of a piece, as it was written but not longer than fits a message. */
  static String text(ParserRuleContext context) {
    var text = context.getText();
    return text.length() > 40 ? text.substring(0, 40) + "…" : text;
  }

  /** The name in a {@code %name} or {@code @name} token. */
  String name(Token token) {
    var text = token.getText().substring(1);
    return text.startsWith("\"") ? string(token, text) : text;
  }

  String string(Token token) {
    return string(token, token.getText());
  }

  private String string(Token token, String quoted) {
    try {
      return Spelling.unquote(quoted);
    } catch (IllegalArgumentException e) {
      throw Diagnostic.invalid(
              location(token),
              e.getMessage() + " in " + quoted,
              "escapes are \\\\, \\\", \\n, \\r, \\t and \\u with four hex digits")
          .exception();
    }
  }

  /**
   * After an error in the op that begins at {@code start}: goes to the next op or return of the
   * same block, or to the end of the block.
   */
  void recover(Token start) {
    seek(start);
    int depth = 0;
    for (skip(); !at(Token.EOF) && !isItemStart(); skip()) {
      var token = next();
      boolean first = isFirstOnLine(token);
      switch (token.getType()) {
        case FirParser.LBRACE -> depth += isLastOnLine(token) ? 1 : 0;
        case FirParser.RBRACE -> {
          if (first && depth-- == 0) {
            return;
          }
        }
        case FirParser.VALUE, FirParser.RETURN -> {
          if (first && depth == 0) {
            return;
          }
        }
        default -> {}
      }
    }
  }

  /** The names that an op which begins at {@code start} would give to its results. */
  List<Token> namesFrom(Token start) {
    seek(start);
    var names = new ArrayList<Token>();
    names.add(skip());
    while (at(FirParser.COMMA, FirParser.VALUE)) {
      skip();
      names.add(skip());
    }
    return names;
  }

  /** Whether an item begins here; what makes this sure does not occur within items. */
  boolean isItemStart() {
    return switch (tokens.LA(1)) {
      case FirParser.WEIGHT, FirParser.FUNC, FirParser.PLAN -> tokens.LA(2) == FirParser.SYMBOL;
      case FirParser.DIM -> tokens.LA(2) == FirParser.ID || tokens.LA(3) == FirParser.IN;
      case FirParser.PIPELINE -> tokens.LA(2) == FirParser.STRING;
      default -> false;
    };
  }

  /** Goes to the next item, or to the end. */
  void skipToItem() {
    while (!at(Token.EOF) && !isItemStart()) {
      skip();
    }
  }

  /** Whether the value's definition stands later, between here and the end of the item; or null. */
  @Nullable Location definedLater(Token use) {
    for (int i = use.getTokenIndex() + 1; i < tokens.size(); i++) {
      var token = tokens.get(i);
      if (token.getType() == FirParser.FUNC && tokens.get(i).getCharPositionInLine() == 0) {
        return null;
      }
      if (token.getType() == FirParser.VALUE
          && token.getText().equals(use.getText())
          && isDefinition(i)) {
        return location(token);
      }
    }
    return null;
  }

  private boolean isDefinition(int index) {
    for (int i = index; i < tokens.size(); i++) {
      switch (tokens.get(i).getType()) {
        case FirParser.VALUE, FirParser.COMMA, FirParser.COMMENT -> {}
        case FirParser.EQUALS -> {
          return true;
        }
        default -> {
          return false;
        }
      }
    }
    return false;
  }

  /** The comments on the lines above the token. */
  List<String> commentsAbove(Token token) {
    var before = before(token);
    var lines = new ArrayList<String>();
    for (int i = before == null ? 0 : before.getTokenIndex() + 1; i < token.getTokenIndex(); i++) {
      if (before == null || tokens.get(i).getLine() > before.getLine()) {
        lines.add(comment(tokens.get(i)));
      }
    }
    return lines;
  }

  /** The comments between two tokens, and those after the last one on its line. */
  List<String> commentsWithin(Token first, Token last) {
    var lines = new ArrayList<String>();
    for (int i = first.getTokenIndex(); i < tokens.size(); i++) {
      var token = tokens.get(i);
      if (i > last.getTokenIndex()
          && (token.getType() != FirParser.COMMENT || token.getLine() > last.getLine())) {
        break;
      }
      if (token.getType() == FirParser.COMMENT) {
        lines.add(comment(token));
      }
    }
    return lines;
  }

  private static String comment(Token token) {
    var text = token.getText().substring(2);
    return (text.startsWith(" ") ? text.substring(1) : text).stripTrailing();
  }
}
