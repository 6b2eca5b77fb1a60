package org.fusionc.runtime.net;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.Set;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Finds out who calls, and lets through what {@link Access} allows them. */
final class AccessCheck implements ServerInterceptor {
  static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  static final String BEARER = "Bearer ";

  private final @Nullable Tokens tokens;
  private final Connections connections;

  AccessCheck(@Nullable Tokens tokens, Connections connections) {
    this.tokens = tokens;
    this.connections = connections;
  }

  /** What was found out: somebody, or why nobody. */
  private sealed interface Finding {
    record Known(Caller caller) implements Finding {}

    record Unknown(String reason) implements Finding {}
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> started, Metadata headers, ServerCallHandler<Q, R> next) {
    var tracer = RefusalTracer.KEY.get();
    var call =
        new ForwardingServerCall.SimpleForwardingServerCall<Q, R>(started) {
          @Override
          public void close(Status status, Metadata trailers) {
            if (tracer != null) {
              tracer.say(status);
            }
            super.close(status, trailers);
          }
        };
    String method = call.getMethodDescriptor().getFullMethodName();
    Set<Role> allowed = Access.callers(method);
    if (allowed.isEmpty()) {
      return refuse(call, Status.PERMISSION_DENIED, method + " is in no table of who may call it");
    }
    return switch (find(call, headers)) {
      case Finding.Unknown unknown -> refuse(call, Status.UNAUTHENTICATED, unknown.reason());
      case Finding.Known(Caller caller) when !caller.is(allowed) ->
          refuse(
              call,
              Status.PERMISSION_DENIED,
              caller
                  + " may not call "
                  + method
                  + ", which is for "
                  + String.join(", ", allowed.stream().map(Role::word).sorted().toList()));
      case Finding.Known(Caller caller) -> {
        connections.prove(remote(call));
        var known = Context.current().withValue(Caller.KEY, caller);
        yield MessageTracer.follow(call, Contexts.interceptCall(known, call, headers, next));
      }
    };
  }

  private Finding find(ServerCall<?, ?> call, Metadata headers) {
    var roles = EnumSet.noneOf(Role.class);
    String name = "";
    var session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session != null) {
      switch (certified(session)) {
        case Finding.Unknown unknown -> {
          return unknown;
        }
        case Finding.Known(Caller caller) -> {
          name = caller.name();
          roles.addAll(caller.roles());
        }
      }
    }
    if (tokens != null) {
      String header = headers.get(AUTHORIZATION);
      if (header != null) {
        String token = header.startsWith(BEARER) ? header.substring(BEARER.length()) : header;
        switch (tokens.find(token)) {
          case Tokens.Verdict.Refused refused -> {
            return new Finding.Unknown(refused.reason());
          }
          case Tokens.Verdict.Accepted accepted -> {
            name = name.isEmpty() ? accepted.name() : name;
            roles.add(accepted.role());
          }
        }
      } else if (session == null) {
        return new Finding.Unknown("this needs a token: give --token-file F, or set FUSIONC_TOKEN");
      }
    } else if (session == null) {
      return new Finding.Known(Caller.ANYONE);
    }
    return new Finding.Known(new Caller(name, Set.copyOf(roles)));
  }

  private static Finding certified(SSLSession session) {
    try {
      var identity = Identity.of((X509Certificate) session.getPeerCertificates()[0]);
      if (identity.role() == null) {
        return new Finding.Unknown("its certificate names no role");
      }
      // A session may have been resumed long after its handshake.
      return identity.current()
          ? new Finding.Known(new Caller(identity.name(), Set.of(identity.role())))
          : new Finding.Unknown("its certificate expired at " + identity.until());
    } catch (SSLPeerUnverifiedException e) {
      return new Finding.Unknown("it showed no certificate");
    }
  }

  private static <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call, Status status, String reason) {
    call.close(status.withDescription(reason), new Metadata());
    return new ServerCall.Listener<>() {};
  }

  private static @Nullable SocketAddress remote(ServerCall<?, ?> call) {
    return call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
  }
}
