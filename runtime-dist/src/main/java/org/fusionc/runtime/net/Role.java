package org.fusionc.runtime.net;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.fusionc.ir.diagnostic.Diagnostic;

/** What a process of a cluster is, and so which calls it may make. */
public enum Role {
  /** Holds and computes stages. */
  PEER,
  /** Deploys and runs models. */
  CLIENT,
  /** A client that may remove deployments and drain peers as well. */
  ADMIN,
  /** Knows who is here and who does what. */
  BROKER;

  private static final String URN = "urn:fusionc:role:";

  /** Whether a caller of this role may do what is for those; an administrator is a client, too. */
  public boolean is(Set<Role> roles) {
    return roles.contains(this) || (this == ADMIN && roles.contains(CLIENT));
  }

  /** Whether others connect to it: its certificate must name its hosts. */
  public boolean listens() {
    return this == PEER || this == BROKER;
  }

  /** As certificates say it, in a subject alternative name of type URI. */
  String urn() {
    return URN + word();
  }

  /** As people and files write it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads {@link #word()}.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is no role
   */
  public static Role parse(String word) {
    for (Role role : EnumSet.allOf(Role.class)) {
      if (role.word().equals(word)) {
        return role;
      }
    }
    throw Diagnostic.usage("'" + word + "' is no role", "there are peer, client, admin and broker")
        .exception();
  }
}
