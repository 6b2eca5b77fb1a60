package org.fusionc.runtime.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Templates of every shape and a line for every feature. What each must give was made with Jinja
 * 3.1.6 under Python, set up as transformers sets it up; where Python fails, so must we.
 */
class TemplateTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2025, 3, 7, 9, 5, 2);

  record Case(String name, String template, Map<String, Object> variables, JsonNode json) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() throws IOException {
    try (var in = Objects.requireNonNull(TemplateTest.class.getResourceAsStream("cases.json"))) {
      var cases = new ArrayList<Case>();
      for (JsonNode json : new JsonMapper().readTree(in)) {
        var variables = new LinkedHashMap<String, Object>();
        json.get("variables")
            .properties()
            .forEach(e -> variables.put(e.getKey(), plain(e.getValue())));
        cases.add(
            new Case(
                json.get("name").stringValue(),
                json.get("template").stringValue(),
                variables,
                json));
      }
      return cases.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void asPythonDoes(Case c) {
    if (c.json.has("expected")) {
      assertThat(render(c.template, c.variables))
          .as(c.template)
          .isEqualTo(c.json.get("expected").stringValue());
    } else {
      assertThatThrownBy(() -> render(c.template, c.variables))
          .as("%s must fail: %s", c.template, c.json.get("error").stringValue())
          .isInstanceOfSatisfying(
              DiagnosticException.class,
              e -> assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT));
    }
  }

  @Test
  void whatTheTemplateRefusesIsSaidInItsWords() {
    assertThatThrownBy(() -> render("a\n b {{ raise_exception('only users') }}", Map.of()))
        .hasMessageContaining("t.jinja:2:4")
        .hasMessageContaining("refuses these messages: only users");
  }

  @Test
  void errorsHaveLineAndColumnAndTheNearestName() {
    assertThatThrownBy(() -> render("x\n{% if a %}\n{{ a | uper }}{% endif %}", Map.of("a", "b")))
        .hasMessageContaining("t.jinja:3:1")
        .hasMessageContaining("'uper' is not supported")
        .hasMessageContaining("did you mean 'upper'?");
    assertThatThrownBy(() -> render("x\n  {{ 1 +* 2 }}", Map.of()))
        .hasMessageContaining("t.jinja:2:9: ")
        .hasMessageContaining("expected an expression, found '*'");
    assertThatThrownBy(() -> render("x\n\n{% for a in b %}", Map.of()))
        .hasMessageContaining("t.jinja:3:1: ")
        .hasMessageContaining("never closed");
    assertThatThrownBy(() -> render("{% inclde 'x' %}{% fro x %}", Map.of()))
        .hasMessageContaining("'inclde' is not supported");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ %s }}",
        "{{ a%s }}",
      })
  void deepNestingIsADiagnostic(String frame) {
    int depth = 10_000;
    for (String deep :
        List.of(
            "(".repeat(depth) + "1" + ")".repeat(depth),
            "[".repeat(depth) + "]".repeat(depth),
            " if b else ".repeat(depth) + "1",
            " ** 1".repeat(depth),
            " + 1".repeat(depth),
            "[0]".repeat(depth),
            " and not ".repeat(depth) + "1",
            "-".repeat(depth) + "1")) {
      assertEnds(String.format(frame, deep));
    }
    assertEnds("{% if a %}".repeat(depth) + "{% endif %}".repeat(depth));
    assertEnds("{% if a %}{% elif b %}".repeat(depth));
  }

  /** Comes back with text or a diagnostic, whichever. */
  private static void assertEnds(String template) {
    try {
      var _ = render(template, Map.of("a", 1, "b", 0));
    } catch (DiagnosticException e) {
      assertThat(e).hasMessageContaining("t.jinja");
    }
  }

  @Test
  void aHostileTemplateEnds() {
    String loop = "{% for i in range(100000) %}";
    String end = "{% endfor %}";
    assertThatThrownBy(() -> render(loop.repeat(3) + end.repeat(3), Map.of()))
        .hasMessageContaining("steps");
    assertThatThrownBy(() -> render(loop + "{{ 'x' * 1000000 }}" + end, Map.of()))
        .hasMessageContaining("grows beyond");
    assertThatThrownBy(() ->
            render(
                "{% set n = namespace(a=[1]) %}" + loop + "{% set n.a = n.a + n.a %}" + end,
                Map.of()))
        .hasMessageContaining("grows beyond");
  }

  @Test
  void aTemplateReachesNoJavaObject() {
    assertThat(render("{{ 'x'.getClass is defined }}{{ [].stream is defined }}", Map.of()))
        .isEqualTo("FalseFalse");
  }

  private static String render(String template, Map<String, Object> variables) {
    return Template.parse("t.jinja", template).render(variables, NOW);
  }

  private static Object plain(JsonNode json) {
    return new JsonMapper().treeToValue(json, Object.class);
  }
}
