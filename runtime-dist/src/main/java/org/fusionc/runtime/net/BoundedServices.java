package org.fusionc.runtime.net;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.InputStream;

/**
 * Services whose messages are counted before they become objects. A call whose message is refused
 * ends with the reason; for the service it is as if its caller had gone.
 */
final class BoundedServices {
  private BoundedServices() {}

  static ServerServiceDefinition of(ServerServiceDefinition service) {
    var bounded = ServerServiceDefinition.builder(service.getServiceDescriptor().getName());
    service.getMethods().forEach(method -> bounded.addMethod(of(method)));
    return bounded.build();
  }

  private static <Q, R> ServerMethodDefinition<Incoming<Q>, R> of(
      ServerMethodDefinition<Q, R> method) {
    var own = method.getMethodDescriptor();
    var marshaller = BoundedMarshaller.of(own.getRequestMarshaller(), MessageBounds.Sender.CALLER);
    var incoming =
        own.toBuilder(new IncomingMarshaller<>(marshaller), own.getResponseMarshaller()).build();
    return ServerMethodDefinition.create(
        incoming,
        (call, headers) -> {
          var guarded = new Call<>(call, own);
          return new Listener<>(guarded, method.getServerCallHandler().startCall(guarded, headers));
        });
  }

  /** gRPC has no way for a marshaller to refuse: what it throws reaches the caller as UNKNOWN. */
  private sealed interface Incoming<Q> {
    record Accepted<Q>(Q message) implements Incoming<Q> {}

    record Refused<Q>(Status status) implements Incoming<Q> {}
  }

  private record IncomingMarshaller<Q>(Marshaller<Q> messages) implements Marshaller<Incoming<Q>> {
    @Override
    public InputStream stream(Incoming<Q> message) {
      throw new UnsupportedOperationException("a server sends no requests");
    }

    @Override
    public Incoming<Q> parse(InputStream stream) {
      try {
        return new Incoming.Accepted<>(messages.parse(stream));
      } catch (StatusRuntimeException refusal) {
        return new Incoming.Refused<>(refusal.getStatus());
      }
    }
  }

  /** The call as its service sees it. It may be refused while the service sends. */
  private static final class Call<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final MethodDescriptor<Q, R> method;
    private boolean refused;

    @SuppressWarnings("unchecked") // Of requests a call knows its method's descriptor alone.
    Call(ServerCall<Incoming<Q>, R> call, MethodDescriptor<Q, R> method) {
      super((ServerCall<Q, R>) (ServerCall<?, R>) call);
      this.method = method;
    }

    synchronized void refuse(Status status) {
      if (!refused) {
        refused = true;
        try {
          delegate().close(status, new Metadata());
        } catch (IllegalStateException ended) {
          // The service has ended it already.
        }
      }
    }

    @Override
    public synchronized void sendHeaders(Metadata headers) {
      if (!refused) {
        delegate().sendHeaders(headers);
      }
    }

    @Override
    public synchronized void sendMessage(R message) {
      if (!refused) {
        delegate().sendMessage(message);
      }
    }

    @Override
    public synchronized void close(Status status, Metadata trailers) {
      if (!refused) {
        delegate().close(status, trailers);
      }
    }

    @Override
    public MethodDescriptor<Q, R> getMethodDescriptor() {
      return method;
    }
  }

  /** Hands on what is accepted; called by one thread at a time. */
  private static final class Listener<Q, R> extends ServerCall.Listener<Incoming<Q>> {
    private final Call<Q, R> call;
    private final ServerCall.Listener<Q> service;
    private boolean refused;

    Listener(Call<Q, R> call, ServerCall.Listener<Q> service) {
      this.call = call;
      this.service = service;
    }

    @Override
    public void onMessage(Incoming<Q> incoming) {
      if (refused) {
        return;
      }
      switch (incoming) {
        case Incoming.Accepted<Q>(var message) -> service.onMessage(message);
        case Incoming.Refused<Q>(var status) -> {
          refused = true;
          call.refuse(status);
          service.onCancel();
        }
      }
    }

    @Override
    public void onHalfClose() {
      if (!refused) {
        service.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      if (!refused) {
        service.onCancel();
      }
    }

    @Override
    public void onComplete() {
      if (!refused) {
        service.onComplete();
      }
    }

    @Override
    public void onReady() {
      if (!refused) {
        service.onReady();
      }
    }
  }
}
