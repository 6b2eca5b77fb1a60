package org.fusionc.ir.pass;

import java.util.List;
import java.util.stream.Stream;
import org.fusionc.ir.Module;
import org.fusionc.ir.rewrite.Rewrite;
import org.fusionc.ir.rewrite.Rule;

/** A pass that is made of rewrites. It can be told to stop after some, which finds a wrong one. */
public abstract class RewritePass implements Pass {
  static final PassOption MAX =
      new PassOption("max", -1L, "stop after so many rewrites; -1 for no limit");
  static final PassOption TRACE = new PassOption("trace", false, "print each rewrite");

  private final String name;
  private final String summary;
  private final List<PassOption> options;

  protected RewritePass(String name, String summary, PassOption... options) {
    this.name = name;
    this.summary = summary;
    this.options = Stream.concat(Stream.of(options), Stream.of(MAX, TRACE)).toList();
  }

  /** The rules, in the order in which they are tried on an op. */
  protected abstract List<Rule> rules(PassContext context);

  /** A rule under this pass's name. */
  protected final List<Rule> only(Rewrite rewrite) {
    return List.of(new Rule(name, rewrite));
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final String summary() {
    return summary;
  }

  @Override
  public final List<PassOption> options() {
    return options;
  }

  @Override
  public Module run(Module module, PassContext context) {
    return context.rewrite(module, rules(context));
  }
}
