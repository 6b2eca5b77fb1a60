package org.fusionc.runtime.net;

import io.grpc.Context;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who makes a call, as far as the server knows.
 *
 * @param name of its certificate or token; empty if neither was asked for
 * @param roles what it may act as
 */
public record Caller(String name, Set<Role> roles) {
  static final Context.Key<Caller> KEY = Context.key("fusionc.caller");

  /** Whoever calls where nobody is asked who they are. */
  static final Caller ANYONE = new Caller("", Set.of(Role.values()));

  /** The one whose call is being handled by this thread; null outside of calls. */
  public static @Nullable Caller current() {
    return KEY.get();
  }

  /** Whether one of its roles is among these. */
  boolean is(Set<Role> allowed) {
    return roles.stream().anyMatch(role -> role.is(allowed));
  }

  @Override
  public String toString() {
    return (name.isEmpty() ? "anyone" : "'" + name + "'")
        + " ("
        + String.join(", ", roles.stream().map(Role::word).sorted().toList())
        + ")";
  }
}
