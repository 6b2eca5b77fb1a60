package org.fusionc.runtime.net;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Makes channels to other processes, and servers for them, all secured in the same way. */
public final class Transport {
  /**
   * The largest message that is accepted: a chunk of 512 tokens of 16 Ki f32 numbers, and a bit.
   */
  public static final int MAX_MESSAGE = 64 << 20;

  private Transport() {}

  /** Without credentials; servers may listen on loopback only. */
  public static Transport plain() {
    return new Transport();
  }

  /** A channel; it connects when first used, and again whenever the connection is lost. */
  public ManagedChannel channel(Address address) {
    return NettyChannelBuilder.forAddress(address.host(), address.port())
        .usePlaintext()
        .maxInboundMessageSize(MAX_MESSAGE)
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .build();
  }

  /** A server to add services to and start; calls run on virtual threads. */
  public NettyServerBuilder server(Address listen) {
    return NettyServerBuilder.forAddress(listen.resolve())
        .maxInboundMessageSize(MAX_MESSAGE)
        .permitKeepAliveTime(5, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .executor(Executors.newVirtualThreadPerTaskExecutor());
  }
}
