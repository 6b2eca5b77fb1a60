package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Python's operators do with values. */
final class Values {
  /** Nobody's prompt is longer; keeps {@code 'x' * 10**9} from filling the memory. */
  static final int MAX_LENGTH = 16 << 20;

  private Values() {}

  /** A template's value for a Java one: JSON-like data of strings, numbers, lists and maps. */
  static Object fromJava(@Nullable Object value) {
    return switch (value) {
      case null -> None.NONE;
      case Float number -> number.doubleValue();
      case Double number -> number;
      case Number number -> number.longValue();
      case String text -> text;
      case Boolean truth -> truth;
      case Map<?, ?> map -> {
        var converted = new LinkedHashMap<Object, Object>();
        map.forEach((key, item) -> converted.put(fromJava(key), fromJava(item)));
        yield converted;
      }
      case Collection<?> items -> items.stream().map(Values::fromJava).toList();
      case Callable function -> function;
      default -> throw new IllegalArgumentException("no template value: " + value.getClass());
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case Boolean truth -> truth;
      case Undefined _, None _ -> false;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case Collection<?> items -> !items.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  /** Python's name of the type, for messages. */
  static String type(Object value) {
    return switch (value) {
      case Undefined _ -> "undefined";
      case None _ -> "NoneType";
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case Tuple _ -> "tuple";
      case List<?> _ -> "list";
      case Map<?, ?> _ -> "dict";
      case Namespace _ -> "namespace";
      case Callable _ -> "function";
      default -> value.getClass().getSimpleName();
    };
  }

  /** A number from a bool, an int or a float; null for anything else. */
  static @Nullable Number number(Object value) {
    return switch (value) {
      case Boolean truth -> truth ? 1L : 0L;
      case Long number -> number;
      case Double number -> number;
      default -> null;
    };
  }

  static long integer(String what, Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (number(value) instanceof Long number) {
      return number;
    }
    throw new TemplateError(what + " must be an int, not a " + type(value));
  }

  static boolean equal(Object a, Object b) {
    Number x = number(a);
    Number y = number(b);
    if (x != null && y != null) {
      return (x instanceof Long && y instanceof Long)
          ? x.longValue() == y.longValue()
          : x.doubleValue() == y.doubleValue();
    }
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left.size() != right.size() || left instanceof Tuple != right instanceof Tuple) {
        return false;
      }
      for (int i = 0; i < left.size(); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return left.size() == right.size()
          && left.entrySet().stream()
              .allMatch(entry ->
                  right.containsKey(entry.getKey())
                      && equal(entry.getValue(), itemOf(right, entry.getKey())));
    }
    return a.equals(b);
  }

  private static Object itemOf(Map<?, ?> map, Object key) {
    Object value = map.get(key);
    return value == null ? None.NONE : value;
  }

  static int compare(Object a, Object b) {
    Number x = number(a);
    Number y = number(b);
    if (x instanceof Long left && y instanceof Long right) {
      return left.compareTo(right);
    }
    if (x != null && y != null) {
      return Double.compare(x.doubleValue(), y.doubleValue());
    }
    if (a instanceof String left && b instanceof String right) {
      return left.compareTo(right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return compare(left.get(i), right.get(i));
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    throw undefinedOr(a, b, "cannot compare a " + type(a) + " with a " + type(b));
  }

  static boolean contains(Object container, Object item) {
    return switch (container) {
      case String text -> {
        if (!(item instanceof String part)) {
          throw new TemplateError("'in' a str needs a str, not a " + type(item));
        }
        yield text.contains(part);
      }
      case Collection<?> items -> items.stream().anyMatch(each -> equal(each, item));
      case Map<?, ?> map -> map.containsKey(item);
      case Undefined _ -> false;
      default -> throw new TemplateError("'in' cannot look into a " + type(container));
    };
  }

  /** What a loop over the value goes through. */
  static List<Object> iterate(Object value) {
    return switch (value) {
      case List<?> items -> new ArrayList<>(items);
      case Collection<?> items -> new ArrayList<>(items);
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case String text -> new ArrayList<>(characters(text));
      case Undefined _ -> new ArrayList<>();
      default -> throw new TemplateError("a " + type(value) + " cannot be iterated over");
    };
  }

  static List<String> characters(String text) {
    return text.codePoints().mapToObj(Character::toString).toList();
  }

  static Object add(Object a, Object b) {
    if (a instanceof String left && b instanceof String right) {
      return limited(left + right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left instanceof Tuple == right instanceof Tuple) {
        checkLength(left.size() + (double) right.size());
        var joined = new ArrayList<Object>(left);
        joined.addAll(right);
        return left instanceof Tuple ? new Tuple(joined) : joined;
      }
    }
    return arithmetic("+", a, b);
  }

  static Object multiply(Object a, Object b) {
    if (b instanceof String || b instanceof List<?>) {
      return number(a) == null ? arithmetic("*", a, b) : multiply(b, a);
    }
    if (a instanceof String text && number(b) instanceof Long count) {
      checkLength(text.length() * (double) count);
      return text.repeat((int) Math.max(0, count));
    }
    if (a instanceof List<?> items && number(b) instanceof Long count) {
      checkLength(items.size() * (double) count);
      var repeated = new ArrayList<Object>();
      for (long i = 0; i < count; i++) {
        repeated.addAll(items);
      }
      return items instanceof Tuple ? new Tuple(repeated) : repeated;
    }
    return arithmetic("*", a, b);
  }

  static Object arithmetic(String operator, Object a, Object b) {
    Number x = number(a);
    Number y = number(b);
    if (x == null || y == null) {
      throw undefinedOr(
          a, b, "'" + operator + "' does not work with a " + type(a) + " and a " + type(b));
    }
    boolean zero = y.doubleValue() == 0;
    if (zero && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new TemplateError("division by zero");
    }
    try {
      if (x instanceof Long i && y instanceof Long j) {
        return switch (operator) {
          case "+" -> Math.addExact(i, j);
          case "-" -> Math.subtractExact(i, j);
          case "*" -> Math.multiplyExact(i, j);
          case "/" -> i.doubleValue() / j;
          case "//" -> Math.floorDiv(i, j);
          case "%" -> Math.floorMod(i, j);
          case "**" -> j < 0 ? (Object) Math.pow(i, j) : Math.powExact(i, Math.toIntExact(j));
          default -> throw new IllegalStateException(operator);
        };
      }
    } catch (ArithmeticException e) {
      throw new TemplateError("the result of '" + operator + "' is too large");
    }
    double i = x.doubleValue();
    double j = y.doubleValue();
    return switch (operator) {
      case "+" -> i + j;
      case "-" -> i - j;
      case "*" -> i * j;
      case "/" -> i / j;
      case "//" -> Math.floor(i / j);
      case "%" -> i - Math.floor(i / j) * j;
      case "**" -> Math.pow(i, j);
      default -> throw new IllegalStateException(operator);
    };
  }

  /** {@code object[index]}; undefined when there is no such item. */
  static Object item(Object object, Object index) {
    return switch (object) {
      case Map<?, ?> map ->
          map.containsKey(index)
              ? itemOf(map, index)
              : new Undefined("the key " + PythonText.repr(index) + " of a dict");
      case List<?> items when number(index) instanceof Long at -> {
        long from = at < 0 ? at + items.size() : at;
        yield from >= 0 && from < items.size()
            ? items.get((int) from)
            : new Undefined("item " + at + " of a list of " + items.size());
      }
      case String text when number(index) instanceof Long -> item(characters(text), index);
      case Undefined undefined -> throw undefined.error();
      default -> new Undefined(PythonText.repr(index) + " of a " + type(object));
    };
  }

  static Object slice(Object object, @Nullable Long start, @Nullable Long stop, long step) {
    if (step == 0) {
      throw new TemplateError("a slice's step cannot be 0");
    }
    if (object instanceof String text) {
      return String.join("", strings(slice(characters(text), start, stop, step)));
    }
    if (!(object instanceof List<?> items)) {
      throw undefinedOr(object, object, "a " + type(object) + " cannot be sliced");
    }
    long size = items.size();
    long from = bound(start, step > 0 ? 0 : size - 1, size, step);
    long to = bound(stop, step > 0 ? size : -1, size, step);
    var result = new ArrayList<Object>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      result.add(items.get((int) i));
    }
    return items instanceof Tuple ? new Tuple(result) : result;
  }

  private static long bound(@Nullable Long given, long absent, long size, long step) {
    if (given == null) {
      return absent;
    }
    long at = given < 0 ? given + size : given;
    return step > 0 ? Math.clamp(at, 0, size) : Math.clamp(at, -1, size - 1);
  }

  private static List<String> strings(Object list) {
    return iterate(list).stream().map(PythonText::of).toList();
  }

  static String limited(String text) {
    checkLength(text.length());
    return text;
  }

  static void checkLength(double length) {
    if (length > MAX_LENGTH) {
      throw new TemplateError("the text or list grows beyond " + MAX_LENGTH);
    }
  }

  private static TemplateError undefinedOr(Object a, Object b, String message) {
    return a instanceof Undefined undefined
        ? undefined.error()
        : b instanceof Undefined undefined ? undefined.error() : new TemplateError(message);
  }
}
