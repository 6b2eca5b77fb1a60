package org.fusionc.ir.diagnostic;

import java.util.Locale;
import java.util.regex.Pattern;

/** How names, strings and numbers are written in FIR text and in messages about it. */
public final class Spelling {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_]+([.\\-/][A-Za-z0-9_]+)*");

  private Spelling() {}

  /** {@code %name}, or {@code %"any name"} if it has other characters than names have. */
  public static String value(String name) {
    return "%" + plainOrQuoted(name);
  }

  /** {@code @name}, or {@code @"any name"} if it has other characters than names have. */
  public static String symbol(String name) {
    return "@" + plainOrQuoted(name);
  }

  private static String plainOrQuoted(String name) {
    return PLAIN.matcher(name).matches() ? name : string(name);
  }

  /** The text in quotes, with what must not stand there escaped. */
  public static String string(String text) {
    var quoted = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> {
          if (c < ' ' || (c >= 0x7f && c < 0xa0) || Character.isSurrogate(c)) {
            // A pair of surrogates is a character; one alone could not be stored as UTF-8.
            if (Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1))) {
              quoted.append(c).append(text.charAt(++i));
            } else {
              quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }

  /**
   * The text between the quotes of {@link #string}, unescaped.
   *
   * @param quoted with its quotes
   * @throws IllegalArgumentException naming the escape that is none
   */
  public static String unquote(String quoted) {
    var text = new StringBuilder(quoted.length());
    for (int i = 1; i < quoted.length() - 1; i++) {
      char c = quoted.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escape = quoted.charAt(++i);
      switch (escape) {
        case '"', '\\' -> text.append(escape);
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'u' -> {
          var digits = quoted.substring(i + 1, Math.min(i + 5, quoted.length() - 1));
          if (!digits.matches("[0-9a-fA-F]{4}")) {
            throw new IllegalArgumentException("'\\u" + digits + "' has not four hex digits");
          }
          text.append((char) Integer.parseInt(digits, 16));
          i += 4;
        }
        default -> throw new IllegalArgumentException("'\\" + escape + "' is no escape");
      }
    }
    return text.toString();
  }

  /**
   * The shortest text that reads back as this number and as no integer: {@code 10000.0}, {@code
   * 1e-5}.
   */
  public static String number(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    var text = Double.toString(value);
    return text.indexOf('E') < 0 ? text : text.replace(".0E", "e").replace('E', 'e');
  }
}
