package org.fusionc.runtime.net;

import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** Logs calls that end because of what the caller sent, whoever found it out: gRPC or a service. */
final class RefusalTracer extends ServerStreamTracer {
  /** Of the call that is being started. */
  static final Context.Key<RefusalTracer> KEY = Context.key("fusionc.refusals");

  private final String method;
  private final Refusals refusals;
  private volatile @Nullable SocketAddress remote;
  private volatile boolean said;

  private RefusalTracer(String method, Refusals refusals) {
    this.method = method;
    this.refusals = refusals;
  }

  /** For a server builder. */
  static ServerStreamTracer.Factory factory(Refusals refusals) {
    return new ServerStreamTracer.Factory() {
      @Override
      public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        return new RefusalTracer(method, refusals);
      }
    };
  }

  @Override
  public void serverCallStarted(ServerCallInfo<?, ?> call) {
    remote = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  @Override
  public void streamClosed(Status status) {
    say(status);
  }

  /** A service, or an interceptor, ends the call so. (Its caller may be gone before it is told.) */
  void say(Status status) {
    if (said) {
      return;
    }
    switch (status.getCode()) {
      case INVALID_ARGUMENT,
          PERMISSION_DENIED,
          UNAUTHENTICATED,
          RESOURCE_EXHAUSTED,
          UNIMPLEMENTED,
          OUT_OF_RANGE,
          FAILED_PRECONDITION,
          INTERNAL,
          DATA_LOSS -> {
        said = true;
        refusals.refuse(
            remote,
            status.getCode() + " " + method,
            method + ": " + status.getCode() + ": " + status.getDescription());
      }
      default -> {}
    }
  }
}
