package org.fusionc.runtime.net;

import io.grpc.Context;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;

/** Tells a {@link MessageBudget} what comes in on a call, and what has been handled. */
final class MessageTracer extends ServerStreamTracer {
  private static final Context.Key<MessageTracer> KEY = Context.key("messages");

  private final MessageBudget.Call call;

  private MessageTracer(MessageBudget.Call call) {
    this.call = call;
  }

  /** For a server builder. */
  static ServerStreamTracer.Factory factory(MessageBudget budget) {
    return new ServerStreamTracer.Factory() {
      @Override
      public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        return new MessageTracer(budget.new Call());
      }
    };
  }

  @Override
  public void serverCallStarted(ServerCallInfo<?, ?> started) {
    call.from(started.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  @Override
  public void inboundWireSize(long bytes) {
    call.came(bytes);
  }

  @Override
  public void inboundMessageRead(int number, long wireSize, long uncompressedSize) {
    call.complete();
  }

  @Override
  public void streamClosed(Status status) {
    call.end();
  }

  /** Follows what the service does with a call's messages. */
  static <Q> ServerCall.Listener<Q> follow(
      ServerCall<Q, ?> started, ServerCall.Listener<Q> listener) {
    var tracer = KEY.get();
    if (tracer == null) {
      return listener;
    }
    boolean single = started.getMethodDescriptor().getType().clientSendsOneMessage();
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onMessage(Q message) {
        super.onMessage(message);
        if (!single) {
          tracer.call.handled();
        }
      }

      @Override
      public void onHalfClose() {
        // Only now the service is called, if it takes one message.
        super.onHalfClose();
        tracer.call.handled();
      }
    };
  }
}
