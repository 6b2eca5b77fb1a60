package org.fusionc.runtime.net;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;

/** Calls whose answers are counted before they become objects; see {@link MessageBounds}. */
final class BoundedAnswers implements ClientInterceptor {
  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    var answers = BoundedMarshaller.of(method.getResponseMarshaller(), MessageBounds.Sender.SERVER);
    var bounded = method.toBuilder(method.getRequestMarshaller(), answers).build();
    return next.newCall(bounded, options);
  }
}
