package org.fusionc.runtime.net;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that a server accepts. It knows only their hashes, so that whoever reads its file
 * cannot call anything with what stands there.
 */
public final class Tokens {
  private final Supplier<List<TokenEntry>> entries;

  private Tokens(Supplier<List<TokenEntry>> entries) {
    this.entries = entries;
  }

  /**
   * The tokens of a file, which is read again whenever it has changed. A file that has become
   * unreadable or malformed admits nobody until it is mended.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be read, or is malformed
   */
  public static Tokens of(Path file) {
    return new Tokens(TokenFile.watch(file));
  }

  /** Tokens known otherwise, such as from a broker; asked at every check. */
  public static Tokens of(Supplier<List<TokenEntry>> entries) {
    return new Tokens(entries);
  }

  /** Those that are known now, the expired ones included. */
  public List<TokenEntry> entries() {
    return entries.get();
  }

  /** Whose token this is; looks at every entry, and at every byte, whatever fits. */
  public Verdict find(String token) {
    byte[] hash = TokenEntry.hash(token);
    @Nullable TokenEntry found = null;
    for (TokenEntry entry : entries.get()) {
      if (entry.fits(hash)) {
        found = entry;
      }
    }
    if (found == null) {
      return new Verdict.Refused("the token is not known (garbled, revoked or another cluster's)");
    }
    if (!Instant.now().isBefore(found.expires())) {
      return new Verdict.Refused("the token '" + found.name() + "' expired at " + found.expires());
    }
    return new Verdict.Accepted(found.role(), found.name());
  }

  /** As {@link #find}, and refused if it is a token for something else than this role. */
  public Verdict check(String token, Role role) {
    Verdict verdict = find(token);
    return verdict instanceof Verdict.Accepted accepted && accepted.role() != role
        ? new Verdict.Refused(
            "the token '"
                + accepted.name()
                + "' is for the role "
                + accepted.role().word()
                + ", not "
                + role.word())
        : verdict;
  }

  /** What is said of a token. */
  public sealed interface Verdict {
    /** It stands for this role, and was made with this name. */
    record Accepted(Role role, String name) implements Verdict {}

    /** It is of no use, because… */
    record Refused(String reason) implements Verdict {}
  }
}
