package org.fusionc.runtime.net;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.security.cert.X509Certificate;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * Shows the token with each call, after making sure that whoever answers is certified to offer the
 * service: a peer cannot pass for the broker.
 */
final class CallerCredentials extends CallCredentials implements ClientInterceptor {
  private final @Nullable String token;

  CallerCredentials(@Nullable String token) {
    this.token = token;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return next.newCall(method, options.withCallCredentials(this));
  }

  @Override
  public void applyRequestMetadata(
      RequestInfo request, Executor executor, MetadataApplier applier) {
    var session = request.getTransportAttrs().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session != null) {
      String service = Objects.requireNonNull(request.getMethodDescriptor().getServiceName());
      try {
        var identity = Identity.of((X509Certificate) session.getPeerCertificates()[0]);
        Set<Role> servers = Access.servers(service);
        if (identity.role() == null || !servers.contains(identity.role()) || !identity.current()) {
          applier.fail(
              Status.UNAUTHENTICATED.withDescription(
                  "the certificate of '"
                      + identity.name()
                      + "' is not, or no longer, good for "
                      + service));
          return;
        }
      } catch (SSLPeerUnverifiedException e) {
        applier.fail(Status.UNAUTHENTICATED.withDescription("the server showed no certificate"));
        return;
      }
    }
    var headers = new Metadata();
    if (token != null) {
      headers.put(AccessCheck.AUTHORIZATION, AccessCheck.BEARER + token);
    }
    applier.apply(headers);
  }
}
