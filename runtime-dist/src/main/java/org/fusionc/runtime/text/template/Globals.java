package org.fusionc.runtime.text.template;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The functions that every template knows. */
final class Globals {
  /** As in Jinja's sandbox. */
  private static final long MAX_RANGE = 100_000;

  private Globals() {}

  /**
   * The functions by name.
   *
   * @param now what {@code strftime_now} tells
   */
  static Map<String, Object> functions(LocalDateTime now) {
    var functions = new LinkedHashMap<String, Object>();
    put(functions, "range", Globals::range);
    put(functions, "namespace", Namespace::new);
    put(
        functions,
        "dict",
        arguments -> new LinkedHashMap<Object, Object>(new Namespace(arguments).fields()));
    put(
        functions,
        "raise_exception",
        arguments -> {
          Object message = arguments.bind("raise_exception", "message", Arguments.REQUIRED)[0];
          throw new TemplateError(PythonText.of(message), null, true);
        });
    put(
        functions,
        "strftime_now",
        arguments -> {
          Object format = arguments.bind("strftime_now", "format", Arguments.REQUIRED)[0];
          return time(StringMethods.string("strftime_now", format), now);
        });
    return functions;
  }

  private static void put(Map<String, Object> functions, String name, Callable function) {
    functions.put(name, function);
  }

  private static Object range(Arguments arguments) {
    Object[] a =
        arguments.bind("range", "start", Arguments.REQUIRED, "stop", None.NONE, "step", 1L);
    boolean one = a[1] instanceof None;
    long start = one ? 0 : Values.integer("range's start", a[0]);
    long stop = Values.integer("range's stop", one ? a[0] : a[1]);
    long step = Values.integer("range's step", a[2]);
    if (step == 0) {
      throw new TemplateError("range's step cannot be 0");
    }
    var numbers = new ArrayList<Object>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw new TemplateError("the range has more than " + MAX_RANGE + " numbers");
      }
      numbers.add(i);
    }
    return numbers;
  }

  private static String time(String format, LocalDateTime now) {
    var out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char kind = format.charAt(++i);
      boolean unpadded = kind == '-' && i + 1 < format.length();
      if (unpadded) {
        kind = format.charAt(++i);
      }
      String pattern =
          switch (kind) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> unpadded ? "M" : "MM";
            case 'd' -> unpadded ? "d" : "dd";
            case 'e' -> "ppd";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> unpadded ? "H" : "HH";
            case 'I' -> unpadded ? "h" : "hh";
            case 'M' -> unpadded ? "m" : "mm";
            case 'S' -> unpadded ? "s" : "ss";
            case 'p' -> "a";
            case 'j' -> unpadded ? "D" : "DDD";
            case 'F' -> "uuuu-MM-dd";
            case 'T' -> "HH:mm:ss";
            case '%' -> "'%'";
            default -> throw new TemplateError("strftime_now does not know '%" + kind + "'");
          };
      out.append(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now));
    }
    return out.toString();
  }
}
