package org.fusionc.cli;

import java.util.Map;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Suggestion;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, and where to read on, as other errors are said. */
final class UsageErrors implements CommandLine.IParameterExceptionHandler {
  /** Java's names of numbers, as picocli ends its messages. */
  private static final Map<String, String> NUMBERS =
      Map.of(
          "is not an int", "is not a whole number below 2147483648",
          "is not a long", "is not a whole number",
          "is not a float", "is not a number",
          "is not a double", "is not a number");

  @Override
  public int handleParseException(ParameterException wrong, String[] arguments) {
    var command = wrong.getCommandLine();
    var err = command.getErr();
    boolean isRoot = command.getParent() == null;
    if (isRoot && arguments.length == 0) {
      command.usage(err);
      return Failure.USAGE.exitCode();
    }
    String help = "see '" + command.getCommandSpec().qualifiedName() + " --help'";
    if (isRoot && !arguments[0].startsWith("-")) {
      var near = Suggestion.nearest(arguments[0], command.getSubcommands().keySet());
      err.printf(
          "fusionc: there is no command '%s'; %s%n",
          arguments[0], near.map(n -> "did you mean '" + n + "'? " + help).orElse(help));
    } else {
      err.println("fusionc: " + message(wrong) + "; " + help);
      UnmatchedArgumentException.printSuggestions(wrong, err);
    }
    err.flush();
    return Failure.USAGE.exitCode();
  }

  private static String message(ParameterException wrong) {
    String message = String.valueOf(wrong.getMessage()).replaceFirst("^Error: ", "").strip();
    for (var number : NUMBERS.entrySet()) {
      if (message.endsWith(number.getKey())) {
        String kept = message.substring(0, message.length() - number.getKey().length());
        message = kept + number.getValue();
      }
    }
    boolean isWord = message.length() > 1 && Character.isLowerCase(message.charAt(1));
    return isWord ? Character.toLowerCase(message.charAt(0)) + message.substring(1) : message;
  }
}
