package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server's token file: a line per token with its hash, role, expiry and name; lines that begin
 * with # are comments.
 */
public final class TokenFile {
  private static final Logger LOG = LoggerFactory.getLogger(TokenFile.class);
  private static final String HEADER =
      "# Tokens that the broker accepts: SHA-256, role, expiry, name. Made by 'fusionc token'.\n";
  private static final int TOKEN_BYTES = 32;
  private static final int MAX_ENTRIES = 10_000;
  private static final long MAX_BYTES = 2 << 20;

  private TokenFile() {}

  /** Of a file, so that a change shows. */
  private record Version(long modified, long size, @Nullable Object key) {
    static Version of(Path file) throws IOException {
      var attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return new Version(
          attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS),
          attributes.size(),
          attributes.fileKey());
    }
  }

  /**
   * Makes a token and adds its hash to the file, which is made if it is missing. Tokens that have
   * expired are dropped from it.
   *
   * @param name unique in the file
   * @return the token: 256 random bits as text. It stands nowhere else
   * @throws DiagnosticException if the name is taken or malformed, or the file is
   */
  public static String create(Path file, Role role, String name, Instant expires) {
    byte[] random = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(random);
    String token = "fusionc-" + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    var entry =
        new TokenEntry(HexFormat.of().formatHex(TokenEntry.hash(token)), role, expires, name);
    change(
        file,
        entries -> {
          if (entries.stream().anyMatch(e -> e.name().equals(name))) {
            throw Diagnostic.usage(
                    "there is a token '" + name + "' already",
                    "choose another --name, or revoke it")
                .exception();
          }
          var more = new ArrayList<>(entries);
          more.add(entry);
          return more;
        });
    return token;
  }

  /**
   * Takes a token out of the file.
   *
   * @throws DiagnosticException if there is none of that name, or the file is malformed
   */
  public static void revoke(Path file, String name) {
    change(
        file,
        entries -> {
          var others = entries.stream().filter(e -> !e.name().equals(name)).toList();
          if (others.size() == entries.size()) {
            throw Diagnostic.usage(
                    "there is no token '" + name + "'",
                    "'fusionc token list' shows those there are")
                .exception();
          }
          return others;
        });
  }

  /**
   * The tokens of a file, the expired ones included.
   *
   * @throws DiagnosticException if it cannot be read, or is malformed
   */
  public static List<TokenEntry> read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw invalid(file, 0, "a token file has at most " + MAX_BYTES + " bytes");
      }
      return parse(file, Files.readString(file));
    } catch (NoSuchFileException e) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "there is no such token file",
              "make it with 'fusionc token create --role peer --token-file " + file + "'")
          .exception();
    } catch (IOException e) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "the token file cannot be read: " + IoReason.of(e),
              "it must be readable and UTF-8")
          .exception();
    }
  }

  static List<TokenEntry> parse(Path file, String text) {
    var entries = new ArrayList<TokenEntry>();
    Set<String> names = new HashSet<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      try {
        var entry = TokenEntry.parse(line);
        if (!names.add(entry.name())) {
          throw invalid(file, number, "the name '" + entry.name() + "' stands here twice");
        }
        entries.add(entry);
      } catch (DiagnosticException e) {
        throw invalid(file, number, e.diagnostics().getFirst().message());
      }
      if (entries.size() > MAX_ENTRIES) {
        throw invalid(file, number, "a token file has at most " + MAX_ENTRIES + " tokens");
      }
    }
    return List.copyOf(entries);
  }

  /** The file's tokens, read again whenever it has changed; none while it cannot be read. */
  static Supplier<List<TokenEntry>> watch(Path file) {
    var first = read(file);
    return new Supplier<>() {
      private @Nullable Version version;
      private List<TokenEntry> entries = first;

      @Override
      public synchronized List<TokenEntry> get() {
        try {
          Version now = Version.of(file);
          if (!now.equals(version)) {
            version = now;
            entries = List.of(); // should reading fail
            entries = read(file);
          }
        } catch (IOException e) {
          if (version != null) {
            LOG.error(
                "token file {} cannot be read, so nobody is admitted: {}", file, e.toString());
          }
          version = null;
          entries = List.of();
        } catch (DiagnosticException e) {
          LOG.error("token file is malformed, so nobody is admitted: {}", e.getMessage());
        }
        return entries;
      }
    };
  }

  private static void change(Path file, UnaryOperator<List<TokenEntry>> change) {
    Path parent = file.toAbsolutePath().getParent();
    Path lock = file.resolveSibling(file.getFileName() + ".lock");
    try {
      if (parent != null) {
        Files.createDirectories(parent);
      }
      try (var channel =
              FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var held = channel.lock()) {
        List<TokenEntry> before = held.isValid() && Files.exists(file) ? read(file) : List.of();
        Instant now = Instant.now();
        var text = new StringBuilder(HEADER);
        change.apply(before.stream().filter(e -> now.isBefore(e.expires())).toList()).stream()
            .map(TokenEntry::line)
            .forEach(line -> text.append(line).append('\n'));
        SecretFiles.replace(file, text.toString().getBytes(UTF_8));
      }
    } catch (IOException e) {
      throw Diagnostic.failed(
              Location.named(file.toString()),
              "the token file cannot be written: " + IoReason.of(e),
              "choose a place where you may write")
          .exception();
    }
  }

  private static DiagnosticException invalid(Path file, int line, String message) {
    var location =
        line == 0 ? Location.named(file.toString()) : new Location.Text(file.toString(), line, 1);
    return Diagnostic.invalid(
            location,
            message,
            "restore the line, or make the file anew with 'fusionc token create'")
        .exception();
  }
}
