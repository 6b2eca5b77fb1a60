package org.fusionc.ir.text;

import java.util.List;
import java.util.Random;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op with operands and attributes that hardly ever fit: a diagnostic, never a crash. */
class WrongOpsTest {
  private static final List<String> OPERANDS =
      List.of(
          "%f",
          "%f", "%i", "%b", "%s", "%e", "%kv", "%at", "%c", "%q", "%m", "%huge", "%z", "%h", "%r",
          "%v", "@w");
  private static final List<String> TYPES =
      List.of(
          "f32[T, 4]",
          "f32[]",
          "i32[T]",
          "bool[4]",
          "kv<2, 4, 4, f32>",
          "f32[0]",
          "f32[T*T, 3]",
          "q4<32>[32, 64]",
          "(f32[4], f32[T, 4])",
          "()",
          "batch<T, S>",
          "f32[9223372036854775807, 3]",
          "f32[4]",
          "i64[T, 1, 4]");
  private static final List<String> INTEGERS =
      List.of("0", "1", "-1", "2", "3", "-4", "7", "9223372036854775807", "-9223372036854775808");
  private static final List<String> NUMBERS = List.of("0.0", "1.5", "-1.0", "inf", "nan", "3");

  static List<OpSchema> ops() {
    return List.copyOf(OpRegistry.builtIn().all());
  }

  private static <T> T pick(List<T> list, Random random) {
    return list.get(random.nextInt(list.size()));
  }

  @ParameterizedTest
  @MethodSource("ops")
  void wrong(OpSchema schema) {
    var random = new Random(schema.name().hashCode());
    for (int i = 0; i < 600; i++) {
      var line = line(schema, random);
      var text =
          """
          fir 1.0
          dim T in [0, 8]
          dim S in [0, 8]
          weight @w : f32[4, 4] = blob("sha256:0")
          func @f(%f: f32[T, 4], %i: i32[T], %b: bool[4], %s: f32[], %e: f32[0], %kv: kv<2, 4, 4, f32>,
              %at: batch<T, S>, %c: bool[], %q: q4<32>[32, 64], %m: f32[4, 4], %huge: f32[9223372036854775807, 2],
              %z: i64[0, T], %h: f32[T, 2, 4], %r: f32[2], %v: f32[4]) -> () {
            LINE
            return
          }
          """
              .replace("LINE", line);
      try {
        FirParser.parse(text, "w.fir", new Graph(), OpRegistry.builtIn());
      } catch (DiagnosticException expected) {
        // Most of them do not fit.
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError(line, e);
      }
    }
  }

  private static String line(OpSchema schema, Random random) {
    int count =
        random.nextInt(4) == 0 ? random.nextInt(6) : schema.operands().size() + random.nextInt(2);
    var line = new StringBuilder("%y = ").append(schema.name());
    for (int i = 0; i < count; i++) {
      line.append(i == 0 ? " " : ", ").append(pick(OPERANDS, random));
    }
    var bodies = new StringBuilder();
    var separator = " {";
    for (var attribute : schema.attributes()) {
      if (attribute.kind().equals("body")) {
        bodies.append(" ").append(attribute.name());
        bodies.append(random.nextBoolean() ? " (%p: f32[T, 4]) { return %p }" : " () { return }");
      } else if (attribute.defaultValue() == null || random.nextInt(3) == 0) {
        line.append(separator)
            .append(attribute.name())
            .append(" = ")
            .append(value(attribute, random));
        separator = ", ";
      }
    }
    line.append(separator.equals(", ") ? "}" : "").append(bodies);
    return random.nextBoolean() || schema.isStated()
        ? line + " : " + pick(TYPES, random)
        : line.toString();
  }

  private static String value(OpSchema.Attribute attribute, Random random) {
    return switch (attribute.kind()) {
      case "int" -> pick(INTEGERS, random);
      case "float" -> pick(NUMBERS, random);
      case "bool" -> "false";
      case "string" ->
          '"' + (attribute.choices().isEmpty() ? "x" : pick(attribute.choices(), random)) + '"';
      case "dtype" -> pick(List.of("f32", "i4", "q4<32>", "bool"), random);
      case "ints" ->
          pick(List.of("[]", "[0]", "[1, 0]", "[-1]", "[5]", "[0, 0]", "[2, 0, 1]"), random);
      case "floats" -> pick(List.of("[]", "[1.0]", "[0.0, nan]"), random);
      default -> pick(List.of("1", "[1, 2]", "[0.5, 1.0, 2.0, 3.0]"), random);
    };
  }
}
