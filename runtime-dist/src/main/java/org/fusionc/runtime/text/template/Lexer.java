package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.fusionc.runtime.text.template.Token.Kind;

/**
 * Cuts a template into text and the tokens of its tags, and does what Jinja's whitespace rules say:
 * a {@code -} at a tag's edge takes all white space on that side; otherwise a block or comment
 * takes the indentation before it and one newline after it, unless its edge has a {@code +}.
 */
final class Lexer {
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-%\\}\\s*|%\\})");
  private static final Pattern END_RAW =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(-%\\}\\s*|\\+%\\}|%\\}\\n?)");
  private static final Pattern NUMBER =
      Pattern.compile("\\d+(_\\d+)*(\\.\\d+(_\\d+)*)?([eE][+-]?\\d+)?");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");

  /** Longer ones first. */
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
          "[", "]", "{", "}", ".", ",", ":", "|");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  /** Whether what is at {@link #at} starts a line, as text cut off before it may hide. */
  private boolean lineStarting = true;

  private int lineCounted = 1;
  private int columnStart;
  private int countedTo;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    // Jinja drops one newline at the end of a template.
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    var lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        emit(Kind.TEXT, source.substring(at), at);
        at = source.length();
        break;
      }
      char kind = source.charAt(tag + 1);
      char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
      String text = stripBefore(source.substring(at, tag), kind, sign);
      if (!text.isEmpty()) {
        emit(Kind.TEXT, text, at);
      }
      at = tag;
      Matcher raw = RAW.matcher(source).region(at, source.length());
      if (kind == '%' && raw.lookingAt()) {
        raw(raw.end());
      } else if (kind == '#') {
        comment();
      } else {
        tag(kind, sign);
      }
    }
    emit(Kind.END, "", source.length());
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  private String stripBefore(String text, char kind, char sign) {
    if (sign == '-') {
      return text.stripTrailing();
    }
    if (kind != '{' && sign != '+') {
      int line = text.lastIndexOf('\n') + 1;
      if ((line > 0 || lineStarting) && text.substring(line).isBlank()) {
        return text.substring(0, line);
      }
    }
    return text;
  }

  private void raw(int start) {
    Matcher end = END_RAW.matcher(source);
    if (!end.find(start)) {
      throw TemplateError.at(position(at), "{% raw %} has no {% endraw %}");
    }
    String sign = end.group(1);
    String text = source.substring(start, end.start());
    lineStarting = false;
    text = stripBefore(text, '%', sign.isEmpty() ? ' ' : sign.charAt(0));
    if (!text.isEmpty()) {
      emit(Kind.TEXT, text, start);
    }
    moveTo(end.end());
  }

  private void comment() {
    int end = source.indexOf("#}", at + 2);
    if (end < 0) {
      throw TemplateError.at(position(at), "the comment has no end '#}'");
    }
    char sign = end > at + 2 ? source.charAt(end - 1) : ' ';
    afterTag(end + 2, sign, true);
  }

  private void tag(char kind, char sign) {
    boolean block = kind == '%';
    int start = at;
    emit(block ? Kind.BLOCK_BEGIN : Kind.OUTPUT_BEGIN, source.substring(at, at + 2), at);
    at += sign == '-' || sign == '+' ? 3 : 2;
    String end = block ? "%}" : "}}";
    int depth = 0;
    while (true) {
      while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
        at++;
      }
      if (at >= source.length()) {
        throw TemplateError.at(position(start), "the tag has no end '" + end + "'");
      }
      char next = source.charAt(at);
      if (depth == 0) {
        boolean signed = (next == '-' || next == '+') && source.startsWith(end, at + 1);
        if (signed || source.startsWith(end, at)) {
          emit(block ? Kind.BLOCK_END : Kind.OUTPUT_END, end, at);
          afterTag(at + end.length() + (signed ? 1 : 0), signed ? next : ' ', block);
          return;
        }
      }
      depth += "([{".indexOf(next) >= 0 ? 1 : ")]}".indexOf(next) >= 0 ? -1 : 0;
      token(next);
    }
  }

  private void token(char next) {
    if (next == '\'' || next == '"') {
      string(next);
      return;
    }
    Matcher number = NUMBER.matcher(source).region(at, source.length());
    if (number.lookingAt()) {
      String text = number.group().replace("_", "");
      boolean whole = number.group(2) == null && number.group(4) == null;
      emit(whole ? Kind.INTEGER : Kind.FLOAT, text, at);
      at = number.end();
      return;
    }
    Matcher name = NAME.matcher(source).region(at, source.length());
    if (name.lookingAt()) {
      emit(Kind.NAME, name.group(), at);
      at = name.end();
      return;
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        emit(Kind.OPERATOR, operator, at);
        at += operator.length();
        return;
      }
    }
    throw TemplateError.at(position(at), "the character '" + next + "' has no meaning here");
  }

  private void string(char quote) {
    int start = at++;
    var text = new StringBuilder();
    while (true) {
      if (at >= source.length()) {
        throw TemplateError.at(position(start), "the string has no end");
      }
      char next = source.charAt(at++);
      if (next == quote) {
        emit(Kind.STRING, text.toString(), start);
        return;
      }
      if (next == '\\' && at < source.length()) {
        escape(source.charAt(at++), text);
      } else {
        text.append(next);
      }
    }
  }

  private void escape(char escaped, StringBuilder text) {
    switch (escaped) {
      case 'n' -> text.append('\n');
      case 't' -> text.append('\t');
      case 'r' -> text.append('\r');
      case 'b' -> text.append('\b');
      case 'f' -> text.append('\f');
      case '0' -> text.append('\0');
      case '\\', '\'', '"' -> text.append(escaped);
      case '\n' -> {}
      case 'x' -> codePoint(2, text);
      case 'u' -> codePoint(4, text);
      case 'U' -> codePoint(8, text);
      default -> text.append('\\').append(escaped);
    }
  }

  private void codePoint(int digits, StringBuilder text) {
    try {
      text.appendCodePoint(Integer.parseInt(source.substring(at, at + digits), 16));
      at += digits;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw TemplateError.at(position(at), "the escape does not name a character");
    }
  }

  /** Goes on after a tag's end, over the white space that the tag takes. */
  private void afterTag(int end, char sign, boolean trimNewline) {
    int next = end;
    if (sign == '-') {
      while (next < source.length() && Character.isWhitespace(source.charAt(next))) {
        next++;
      }
    } else if (trimNewline
        && sign != '+'
        && next < source.length()
        && source.charAt(next) == '\n') {
      next++;
    }
    moveTo(next);
  }

  private void moveTo(int next) {
    at = next;
    lineStarting = next > 0 && source.charAt(next - 1) == '\n';
  }

  private void emit(Kind kind, String text, int where) {
    tokens.add(new Token(kind, text, position(where)));
  }

  private Position position(int where) {
    for (; countedTo < where; countedTo++) {
      if (source.charAt(countedTo) == '\n') {
        lineCounted++;
        columnStart = countedTo + 1;
      }
    }
    return new Position(lineCounted, Math.max(1, where - columnStart + 1));
  }
}
