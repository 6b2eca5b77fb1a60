package org.fusionc.cli;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.TokenFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc token}. */
@Command(
    name = "token",
    mixinStandardHelpOptions = true,
    description = {
      "Makes and revokes the tokens that a broker asks for.",
      "There are two kinds of files: the broker's (here, and with 'fusionc broker --token-file')"
          + " holds hashes of all tokens; a peer's or client's (--token-file of every other"
          + " command) holds the one token that it shows, as 'fusionc token create' printed it."
    },
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TokenCommand.Create.class,
      TokenCommand.Listing.class,
      TokenCommand.Revoke.class
    })
final class TokenCommand {
  private static final String FILE_HELP =
      "the broker's file of hashes; a running broker sees each change";

  /** {@code fusionc token create}. */
  @Command(
      name = "create",
      mixinStandardHelpOptions = true,
      description = {
        "Prints a new token, this once, and keeps its hash in the broker's file.",
        "Example: fusionc token create --role peer --token-file tokens > peer-token"
      })
  static final class Create implements Callable<Integer> {
    private static final Pattern SPAN = Pattern.compile("([1-9][0-9]{0,5})([smhd])");

    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--role",
        required = true,
        paramLabel = "ROLE",
        description = "peer, client or admin")
    private String role = "";

    @Option(
        names = "--expires",
        paramLabel = "SPAN",
        description = "from now: 90s, 30m, 24h or 7d (default ${DEFAULT-VALUE})",
        defaultValue = "24h")
    private String expires = "";

    @Option(
        names = "--name",
        paramLabel = "N",
        description = "for lists and logs, and to revoke it by (default: the role and a number)")
    private @Nullable String name;

    @Option(
        names = "--token-file",
        required = true,
        paramLabel = "F",
        description = FILE_HELP + "; made if it is missing")
    private Path file = Path.of("");

    @Override
    public Integer call() {
      var parsed = Role.parse(role);
      if (parsed == Role.BROKER) {
        throw Diagnostic.usage(
                "a broker shows no tokens", "make one for the role peer, client or admin")
            .exception();
      }
      byte[] mark = new byte[4];
      new SecureRandom().nextBytes(mark);
      String called = name == null ? role + "-" + HexFormat.of().formatHex(mark) : name;
      Instant until = Instant.ofEpochSecond(Instant.now().plus(span()).getEpochSecond());
      String token = TokenFile.create(file, parsed, called, until);
      var commandLine = Objects.requireNonNull(spec).commandLine();
      commandLine.getErr().println("token '" + called + "', " + role + ", until " + until);
      commandLine.getErr().flush();
      commandLine.getOut().println(token);
      commandLine.getOut().flush();
      return 0;
    }

    private Duration span() {
      var matcher = SPAN.matcher(expires);
      if (!matcher.matches()) {
        throw Diagnostic.usage(
                "'" + expires + "' is no time span", "write a number and s, m, h or d: 24h")
            .exception();
      }
      long number = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "s" -> Duration.ofSeconds(number);
        case "m" -> Duration.ofMinutes(number);
        case "h" -> Duration.ofHours(number);
        default -> Duration.ofDays(number);
      };
    }
  }

  /** {@code fusionc token list}. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists the tokens of a broker's file by name, role and expiry.")
  static final class Listing implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--token-file",
        required = true,
        paramLabel = "F",
        description = "the broker's file of hashes")
    private Path file = Path.of("");

    @Override
    public Integer call() {
      var out = Objects.requireNonNull(spec).commandLine().getOut();
      Instant now = Instant.now();
      for (var entry : TokenFile.read(file)) {
        out.printf(
            "%-24s %-7s %s %s%n",
            entry.name(),
            entry.role().word(),
            now.isBefore(entry.expires()) ? "until" : "expired",
            entry.expires());
      }
      out.flush();
      return 0;
    }
  }

  /** {@code fusionc token revoke}. */
  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description =
          "Takes a token out of a broker's file: from now on calls that show it are refused.")
  static final class Revoke implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "as 'fusionc token list' has it")
    private String name = "";

    @Option(names = "--token-file", required = true, paramLabel = "F", description = FILE_HELP)
    private Path file = Path.of("");

    @Override
    public Integer call() {
      TokenFile.revoke(file, name);
      var out = Objects.requireNonNull(spec).commandLine().getOut();
      out.println("token '" + name + "' revoked");
      out.flush();
      return 0;
    }
  }
}
