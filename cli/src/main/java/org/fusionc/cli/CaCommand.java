package org.fusionc.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.runtime.net.Authority;
import org.fusionc.runtime.net.Identity;
import org.fusionc.runtime.net.Role;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc ca}. */
@Command(
    name = "ca",
    mixinStandardHelpOptions = true,
    description = "Makes the certificates by which the processes of a cluster know one another.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {CaCommand.Init.class, CaCommand.Issue.class, CaCommand.Show.class})
final class CaCommand {
  private static void print(@Nullable CommandSpec spec, String line) {
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    out.println(line);
    out.flush();
  }

  /** {@code fusionc ca init}. */
  @Command(
      name = "init",
      mixinStandardHelpOptions = true,
      description =
          "Makes a private certificate authority: ca.pem, which everyone may have, and ca-key.pem,"
              + " with which members of the cluster are made. Keep that where no other process"
              + " runs.")
  static final class Init implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--out",
        paramLabel = "DIR",
        description = "where to (default ${DEFAULT-VALUE}); must not hold a CA yet",
        defaultValue = "fusionc-ca")
    private Path out = Path.of("");

    @Override
    public Integer call() {
      var authority = Authority.init(out).identity();
      print(spec, out + ": " + authority.name() + ", until " + authority.until());
      return 0;
    }
  }

  /** {@code fusionc ca issue}. */
  @Command(
      name = "issue",
      mixinStandardHelpOptions = true,
      description =
          "Makes a certificate for one process: a directory with ca.pem, cert.pem and key.pem, to"
              + " give to it with --tls.")
  static final class Issue implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "whose it is, for logs")
    private String name = "";

    @Option(
        names = "--role",
        required = true,
        paramLabel = "ROLE",
        description = "peer, client, admin or broker")
    private String role = "";

    @Option(
        names = "--host",
        paramLabel = "H",
        description =
            "a DNS name or IP address at which others reach it; may be given several times."
                + " Brokers and peers get localhost, 127.0.0.1 and ::1 as well")
    private List<String> hosts = new ArrayList<>();

    @Option(
        names = "--days",
        paramLabel = "N",
        description = "how long it is good (default ${DEFAULT-VALUE})",
        defaultValue = "365")
    private int days;

    @Option(
        names = "--ca",
        paramLabel = "DIR",
        description = "the authority (default ${DEFAULT-VALUE})",
        defaultValue = "fusionc-ca")
    private Path ca = Path.of("");

    @Option(names = "--out", paramLabel = "DIR", description = "where to (default: NAME)")
    private @Nullable Path out;

    @Option(
        names = "--renew",
        description = "replace the one that is there; running processes take up the new one")
    private boolean renew;

    @Override
    public Integer call() {
      var parsed = Role.parse(role);
      var all = new ArrayList<>(hosts);
      if (parsed.listens()) {
        for (String local : List.of("localhost", "127.0.0.1", "::1")) {
          if (!all.contains(local)) {
            all.add(local);
          }
        }
      }
      Path to = out == null ? Path.of(name) : out;
      var identity = Authority.open(ca).issue(name, parsed, all, Duration.ofDays(days), to, renew);
      print(spec, to + ": " + describe(identity));
      return 0;
    }
  }

  /** {@code fusionc ca show}. */
  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Says whose certificate it is, for what, and until when.")
  static final class Show implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(
        index = "0",
        paramLabel = "DIR",
        description = "a directory made by 'fusionc ca init' or 'fusionc ca issue'")
    private Path directory = Path.of("");

    @Override
    public Integer call() {
      boolean issued = Files.exists(directory.resolve("cert.pem"));
      var identity = Identity.read(directory.resolve(issued ? "cert.pem" : "ca.pem"));
      print(spec, directory + ": " + describe(identity));
      return 0;
    }
  }

  private static String describe(Identity identity) {
    var text = new StringBuilder(identity.name());
    text.append(", ");
    var role = identity.role();
    text.append(
        identity.authority() ? "certificate authority" : role == null ? "no role" : role.word());
    if (!identity.hosts().isEmpty()) {
      text.append(", at ").append(String.join(" ", identity.hosts()));
    }
    text.append(identity.current() ? ", until " : ", NOT VALID NOW, until ");
    return text.append(identity.until()).toString();
  }
}
