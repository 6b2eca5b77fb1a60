package org.fusionc.ir.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.op.Neg;
import org.fusionc.ir.rewrite.Rule;
import org.fusionc.ir.text.FirParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PipelineTest {
  /** A pass made of the given work. */
  private record Work(String name, UnaryOperator<Module> work) implements Pass {
    @Override
    public String summary() {
      return "Work.";
    }

    @Override
    public List<PassOption> options() {
      return List.of(new PassOption("limit", 3L, "a number"), new PassOption("note", "", "a text"));
    }

    @Override
    public Module run(Module module, PassContext context) {
      return work.apply(module);
    }
  }

  private static final class NegPass extends RewritePass {
    NegPass() {
      super("fold-neg", "-(-x) → x.");
    }

    @Override
    protected List<Rule> rules(PassContext context) {
      return only((op, b) -> op instanceof Neg(Neg(var x, _), _) ? x : null);
    }
  }

  private static final PassRegistry PASSES =
      PassRegistry.of(
          new Work("first", m -> m),
          new Work(
              "throws",
              m -> {
                throw new IllegalStateException("oops");
              }),
          new Work("breaks", PipelineTest::broken),
          new NegPass());

  @TempDir private Path directory;

  private static Module module() {
    var b = new FunctionBuilder(new Graph(), "f");
    var x = b.param("x", Type.tensor(Scalar.F32, 4));
    var function = b.build(b.name(b.neg(b.neg(b.exp(b.neg(b.neg(x))))), "y"));
    return Module.empty(b.graph()).withFunction(function);
  }

  private static Module broken(Module module) {
    var f = module.function("f");
    return module.withFunction(
        new Function("f", f.params(), f.body().reversed(), f.results(), f.notes()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          first                                    | first
          first,fold-neg,first                     | first,fold-neg,first
          ' first { limit = 5 , note = "a \\" b" }' | 'first{limit=5,note="a \\" b"}'
          fold-neg{trace,max=2}                    | fold-neg{trace=true,max=2}
          ''                                       | ''
          """)
  void reads(String text, String printed) {
    assertThat(Pipeline.parse(text, PASSES)).hasToString(printed);
    assertThat(Pipeline.parse(printed, PASSES)).hasToString(printed);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          frist              | pipeline:1:1: there is no pass 'frist'; did you mean 'first'?
          first,             | pipeline:1:7: a pass is missing after ','
          first;fold-neg     | pipeline:1:6: expected ',' between passes but found ';'
          first{limt=3}      | pipeline:1:7: the pass 'first' has no option 'limt'; did you mean 'limit'?
          first{limit=three} | pipeline:1:13: the option 'limit' of 'first' must be an integer but is 'three'
          first{limit}       | pipeline:1:12: the option 'limit' needs a value
          first{limit=1,limit=2} | pipeline:1:15: the option 'limit' is given twice
          first{note="abc    | pipeline:1:12: the text that starts here has no end
          first{limit=3      | pipeline:1:14: expected ',' or '}' after an option but found the end
          """)
  void refuses(String text, String message) {
    assertThatThrownBy(() -> Pipeline.parse(text, PASSES))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void tenThousandBracesEndInADiagnostic() {
    assertThatThrownBy(() -> Pipeline.parse("first" + "{".repeat(10_000), PASSES))
        .isInstanceOf(DiagnosticException.class);
  }

  @Test
  void statisticsAndFindingsSayWhatFired() {
    var lines = new ArrayList<String>();
    var settings =
        PassManager.Settings.standard()
            .withObserver(
                new PassObserver() {
                  @Override
                  public void printed(String line) {
                    lines.add(line);
                  }
                });
    var outcome =
        new PassManager(settings).run(module(), Pipeline.parse("fold-neg{max=1,trace}", PASSES));
    assertThat(outcome.runs().getFirst().counts()).containsEntry("fold-neg", 1L);
    assertThat(outcome.findings()).hasSize(1);
    assertThat(lines).singleElement().asString().startsWith("fold-neg: ");
    assertThat(outcome.module().function("f").body()).hasSize(3);
  }

  @Test
  void aPassThatThrowsLeavesAReproducerThatReplays() throws Exception {
    var manager = new PassManager(PassManager.Settings.standard().withReproducers(directory));
    var file = directory.resolve("reproducer-throws.fir");
    assertThatThrownBy(() ->
            manager.run(module(), Pipeline.parse("fold-neg{max=1},throws{limit=7},first", PASSES)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("the pass 'throws' failed: java.lang.IllegalStateException: oops at")
        .hasMessageContaining("'fusionc opt " + file + "' replays it");
    var document =
        FirParser.parseDocument(
            Files.readString(file), file.toString(), new Graph(), OpRegistry.builtIn());
    assertThat(document.pipeline()).contains("throws{limit=7},first");
    assertThat(document.module().function("f").body()).hasSize(3);
  }

  @Test
  void aPassThatBreaksTheIrLeavesAReproducerOfWhatWasBefore() throws Exception {
    var manager = new PassManager(PassManager.Settings.standard().withReproducers(directory));
    assertThatThrownBy(() -> manager.run(module(), Pipeline.parse("first,breaks", PASSES)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("the pass 'breaks' made IR that does not verify");
    assertThat(Files.readString(directory.resolve("reproducer-breaks.fir")))
        .contains("pipeline \"breaks\"");
  }
}
