package org.fusionc.ir.pass;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.pass.Finding.Kind;
import org.fusionc.ir.rewrite.Names;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.RewriteListener;
import org.fusionc.ir.rewrite.Rewriter;
import org.fusionc.ir.rewrite.Rule;

/** One run of one pass: its options, the rewriting driver, and what it has to tell. */
public final class PassContext {
  private final Pass pass;
  private final Map<String, Object> options;
  private final Consumer<String> output;
  private final List<Finding> findings = new ArrayList<>();
  private final SortedMap<String, Long> counts = new TreeMap<>();

  /**
   * @param options values by name, each of its option's type; missing ones have their default
   * @param output takes lines that the pass prints
   */
  public PassContext(Pass pass, Map<String, Object> options, Consumer<String> output) {
    this.pass = pass;
    this.options = Map.copyOf(options);
    this.output = output;
  }

  public long integer(String option) {
    return (Long) value(option);
  }

  public double number(String option) {
    return (Double) value(option);
  }

  public boolean flag(String option) {
    return (Boolean) value(option);
  }

  public String text(String option) {
    return (String) value(option);
  }

  private Object value(String option) {
    return pass.options().stream()
        .filter(o -> o.name().equals(option))
        .map(o -> options.getOrDefault(option, o.defaultValue()))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException(pass.name() + " declares no option " + option));
  }

  /**
   * Applies the rules everywhere until none fires. Honours the pass's {@code max} and {@code trace}
   * if it has them.
   */
  public Module rewrite(Module module, List<Rule> rules) {
    long max = pass.options().contains(RewritePass.MAX) ? integer("max") : -1;
    return new Rewriter(module.graph(), rules, new Recorder(max)).rewrite(module);
  }

  /** Prints a line for the person who runs the pass. */
  public void print(String line) {
    output.accept(line);
  }

  /** Adds to a statistic of the pass, for example {@code ops removed}. */
  public void count(String statistic, long by) {
    if (by != 0) {
      counts.merge(statistic, by, Long::sum);
    }
  }

  /** Records that a rule changed the value of the function. */
  public void fired(String rule, Function function, Value value, String note) {
    counts.merge(rule, 1L, Long::sum);
    var finding = finding(Kind.FIRED, rule, function, value, note);
    findings.add(finding);
    if (pass.options().contains(RewritePass.TRACE) && flag("trace")) {
      print(finding.toString());
    }
  }

  /** Records that a rule would have changed the value but for the reason. */
  public void nearly(String rule, Function function, Value value, String reason) {
    findings.add(finding(Kind.NEARLY, rule, function, value, reason));
  }

  private Finding finding(Kind kind, String rule, Function function, Value value, String note) {
    var producer = Reachable.producer(value);
    return new Finding(
        kind,
        pass.name(),
        rule,
        function.name(),
        producer == null ? "value" : producer.name(),
        Names.of(function, value),
        function.notes().location(producer == null ? value : producer),
        note);
  }

  List<Finding> findings() {
    return List.copyOf(findings);
  }

  SortedMap<String, Long> counts() {
    return counts;
  }

  private final class Recorder implements RewriteListener {
    private final long max;
    private long fired;

    Recorder(long max) {
      this.max = max;
    }

    @Override
    public boolean mayFire(Rule rule) {
      return max < 0 || fired < max;
    }

    @Override
    public void fired(Rule rule, Function function, Op op) {
      fired++;
      PassContext.this.fired(rule.name(), function, op, "");
    }

    @Override
    public void nearly(Rule rule, Function function, Op op, String reason) {
      PassContext.this.nearly(rule.name(), function, op, reason);
    }
  }
}
