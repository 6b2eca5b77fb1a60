package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.antlr.v4.runtime.DefaultErrorStrategy;
import org.antlr.v4.runtime.Parser;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.RuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.misc.IntervalSet;
import org.fusionc.grammar.FirParser;
import org.fusionc.ir.diagnostic.DiagnosticException;

/**
 * Ends the parser's rule at its first error, with a diagnostic that says in a person's words what
 * could have stood there. The readers of ops and items recover.
 */
final class Expectations extends DefaultErrorStrategy {
  /** A place where something optional was not taken, because the next token does not begin it. */
  private record Skipped(int state, RuleContext context) {}

  private static final Set<Integer> WORDS = words();

  private final Source source;
  private final List<Skipped> skipped = new ArrayList<>();
  private int skippedAt = -1;

  Expectations(Source source) {
    this.source = source;
  }

  private static Set<Integer> words() {
    var words = new LinkedHashSet<Integer>();
    for (int type = FirParser.FIR; type <= FirParser.CARRIES; type++) {
      words.add(type);
    }
    words.add(FirParser.ID);
    return words;
  }

  @Override
  public void sync(Parser parser) {
    var state = parser.getInterpreter().atn.states.get(parser.getState());
    var next = parser.getInterpreter().atn.nextTokens(state);
    int index = parser.getInputStream().index();
    if (next.contains(parser.getInputStream().LA(1))) {
      return;
    }
    if (!next.contains(Token.EPSILON)) {
      throw error(parser);
    }
    if (index != skippedAt) {
      skipped.clear();
      skippedAt = index;
    }
    skipped.add(new Skipped(parser.getState(), parser.getContext()));
  }

  @Override
  public void reportError(Parser parser, RecognitionException error) {
    // All errors are thrown.
  }

  @Override
  public void recover(Parser parser, RecognitionException error) {
    throw error(parser);
  }

  @Override
  public Token recoverInline(Parser parser) {
    throw error(parser);
  }

  private DiagnosticException error(Parser parser) {
    var phrases = phrases(parser);
    phrases.addAll(phrase(parser.getExpectedTokens(), parser.getContext()));
    return source.unexpected(parser.getCurrentToken(), phrases);
  }

  /** What could have stood at the current token instead of what was left out before it. */
  Set<String> phrases(Parser parser) {
    var phrases = new LinkedHashSet<String>();
    if (parser.getInputStream().index() == skippedAt) {
      for (var place : skipped) {
        phrases.addAll(
            phrase(parser.getATN().getExpectedTokens(place.state, place.context), place.context));
      }
    }
    return phrases;
  }

  private static Set<String> phrase(IntervalSet expected, RuleContext context) {
    var left = new LinkedHashSet<Integer>(expected.toList());
    left.remove(Token.EOF);
    left.remove(Token.EPSILON);
    var phrases = new LinkedHashSet<String>();
    if (left.contains(FirParser.ID)) {
      phrases.add(word(left, context));
      left.removeAll(WORDS);
    }
    if (left.containsAll(Set.of(FirParser.INT, FirParser.FLOAT))) {
      phrases.add("a number");
      left.removeAll(Set.of(FirParser.INT, FirParser.FLOAT, FirParser.MINUS));
      left.removeAll(Set.of(FirParser.INF, FirParser.NAN));
    }
    if (left.contains(FirParser.INT)) {
      phrases.add("an integer");
      left.removeAll(Set.of(FirParser.INT, FirParser.MINUS));
    }
    if (left.containsAll(Set.of(FirParser.VALUE, FirParser.SYMBOL))) {
      phrases.add("an operand");
      left.removeAll(Set.of(FirParser.VALUE, FirParser.SYMBOL, FirParser.ABSENT));
    }
    for (int type : left) {
      phrases.add(
          switch (type) {
            case FirParser.VALUE -> "a value such as %x";
            case FirParser.SYMBOL -> "a symbol such as @name";
            case FirParser.STRING -> "a text in quotes";
            default -> FirParser.VOCABULARY.getDisplayName(type);
          });
    }
    return phrases;
  }

  /** Names what begins with a word here, and takes from {@code left} what else belongs to it. */
  private static String word(Set<Integer> left, RuleContext context) {
    if (left.contains(FirParser.STRING)) {
      left.removeAll(Set.of(FirParser.STRING, FirParser.INT, FirParser.FLOAT, FirParser.MINUS));
      left.removeAll(Set.of(FirParser.LBRACKET, FirParser.QUANTITY));
      return "a value";
    }
    if (left.contains(FirParser.INT)) {
      left.removeAll(Set.of(FirParser.INT, FirParser.MINUS));
      return "a dimension";
    }
    if (left.contains(FirParser.KV) && !left.contains(FirParser.FIR)) {
      left.remove(FirParser.LPAREN);
      return "a type";
    }
    var rule = context;
    while (rule.getRuleIndex() == FirParser.RULE_word && rule.getParent() != null) {
      rule = rule.getParent();
    }
    return switch (rule.getRuleIndex()) {
      case FirParser.RULE_opName, FirParser.RULE_opHead -> "an op";
      case FirParser.RULE_attribute,
          FirParser.RULE_attributes,
          FirParser.RULE_planAttribute,
          FirParser.RULE_planAttributes ->
          "an attribute";
      case FirParser.RULE_type, FirParser.RULE_dtype -> "a dtype";
      default -> "a word";
    };
  }
}
