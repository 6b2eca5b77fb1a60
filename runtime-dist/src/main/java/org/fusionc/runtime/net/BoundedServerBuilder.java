package org.fusionc.runtime.net;

import io.grpc.BindableService;
import io.grpc.ForwardingServerBuilder;
import io.grpc.ServerBuilder;
import io.grpc.ServerServiceDefinition;

/** A server to be, all of whose services have bounds; see {@link MessageBounds}. */
public final class BoundedServerBuilder extends ForwardingServerBuilder<BoundedServerBuilder> {
  private final ServerBuilder<?> server;

  BoundedServerBuilder(ServerBuilder<?> server) {
    this.server = server;
  }

  @Override
  protected ServerBuilder<?> delegate() {
    return server;
  }

  @Override
  public BoundedServerBuilder addService(ServerServiceDefinition service) {
    server.addService(BoundedServices.of(service));
    return this;
  }

  @Override
  public BoundedServerBuilder addService(BindableService service) {
    return addService(service.bindService());
  }
}
