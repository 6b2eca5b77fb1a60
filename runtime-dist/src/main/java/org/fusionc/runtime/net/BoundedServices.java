package org.fusionc.runtime.net;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.SecurityLevel;
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
  private static final class Call<Q, R> extends ServerCall<Q, R> {
    private final ServerCall<Incoming<Q>, R> call;
    private final MethodDescriptor<Q, R> method;
    private boolean refused;

    Call(ServerCall<Incoming<Q>, R> call, MethodDescriptor<Q, R> method) {
      this.call = call;
      this.method = method;
    }

    synchronized void refuse(Status status) {
      if (!refused) {
        refused = true;
        try {
          call.close(status, new Metadata());
        } catch (IllegalStateException ended) {
          // The service has ended it already.
        }
      }
    }

    @Override
    public void request(int messages) {
      call.request(messages);
    }

    @Override
    public synchronized void sendHeaders(Metadata headers) {
      if (!refused) {
        call.sendHeaders(headers);
      }
    }

    @Override
    public synchronized void sendMessage(R message) {
      if (!refused) {
        call.sendMessage(message);
      }
    }

    @Override
    public synchronized void close(Status status, Metadata trailers) {
      if (!refused) {
        call.close(status, trailers);
      }
    }

    @Override
    public boolean isReady() {
      return call.isReady();
    }

    @Override
    public boolean isCancelled() {
      return call.isCancelled();
    }

    @Override
    public void setMessageCompression(boolean enabled) {
      call.setMessageCompression(enabled);
    }

    @Override
    public void setCompression(String compressor) {
      call.setCompression(compressor);
    }

    @Override
    public void setOnReadyThreshold(int bytes) {
      call.setOnReadyThreshold(bytes);
    }

    @Override
    public SecurityLevel getSecurityLevel() {
      return call.getSecurityLevel();
    }

    @Override
    public Attributes getAttributes() {
      return call.getAttributes();
    }

    @Override
    public String getAuthority() {
      return call.getAuthority();
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
