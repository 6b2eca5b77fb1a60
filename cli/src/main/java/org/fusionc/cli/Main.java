package org.fusionc.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.PrintWriter;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.IoReason;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The entry point. */
@Command(
    name = "fusionc",
    version = "fusionc 0.1.0",
    mixinStandardHelpOptions = true,
    description = "Compiles language models and runs them on whatever machines there are.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      RunCommand.class,
      ServeCommand.class,
      LogitsCommand.class,
      ImportCommand.class,
      PrintCommand.class,
      VerifyCommand.class,
      OptCommand.class,
      PassesCommand.class,
      ExplainCommand.class,
      PlanCommand.class,
      CompileCommand.class,
      InitCommand.class,
      PeerCommand.class,
      BenchCommand.class,
      EvalCommand.class,
      CaCommand.class,
      TokenCommand.class,
      BrokerCommand.class,
      DeployCommand.class,
      DrainCommand.class,
      StatusCommand.class,
      UndeployCommand.class
    },
    footerHeading = "%nExit codes:%n",
    footer = {
      "  0  done",
      "  1  failed",
      "  2  wrong usage",
      "  3  invalid input file",
      "  4  infeasible plan",
      "  5  cluster unreachable or lost"
    })
public final class Main {
  private Main() {}

  /** Runs a command line; the process's exit code tells how it went. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs a command line in this process, and gives the exit code. */
  public static int run(String... arguments) {
    var output = new StandardOutput();
    var err = new PrintWriter(System.err, true, UTF_8);
    var out = new PrintWriter(output, true, UTF_8);
    int code = run(out, err, arguments);
    out.flush();
    var lost = output.failure();
    if (lost == null) {
      return code;
    }
    // Who reads through a pipe may have had enough, which is no news to anyone.
    if (!String.valueOf(lost.getMessage()).contains("Broken pipe")) {
      err.println(
          "fusionc: not all of the output was written: "
              + IoReason.of(lost)
              + "; make room for it");
    }
    return code == 0 ? Failure.FAILED.exitCode() : code;
  }

  /** As the other, with output and messages going to these. */
  public static int run(PrintWriter out, PrintWriter err, String... arguments) {
    return new CommandLine(new Main())
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(Main::report)
        .setParameterExceptionHandler(new UsageErrors())
        .execute(arguments);
  }

  private static int report(
      Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed) {
    var out = commandLine.getErr();
    if (failure instanceof DiagnosticException diagnostics) {
      diagnostics.diagnostics().forEach(d -> out.println("fusionc: " + d));
      return diagnostics.failure().exitCode();
    }
    // What gets here is a defect of fusionc, not the user's: the trace is for the report.
    out.println("fusionc: internal error: " + failure);
    if (System.getenv("FUSIONC_DEBUG") != null) {
      failure.printStackTrace(out);
    } else {
      out.println("fusionc: set FUSIONC_DEBUG=1 for the stack trace, and please report this");
    }
    return Failure.FAILED.exitCode();
  }
}
