package org.fusionc.runtime.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslHandler;

/** Accepts connections for a server: counts them, and has their frames watched. */
final class GuardedServerChannel extends NioServerSocketChannel {
  private final Connections connections;

  GuardedServerChannel(Connections connections) {
    this.connections = connections;
    pipeline().addLast(new Acceptor());
  }

  /** Sees each accepted connection before gRPC does. */
  private final class Acceptor extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
      if (accepted instanceof Channel channel) {
        channel.pipeline().addFirst(new Guard());
      }
      context.fireChannelRead(accepted);
    }
  }

  /** Stands before TLS and HTTP/2 in an accepted connection. */
  private final class Guard extends ChannelInboundHandlerAdapter {
    @Override
    public void channelActive(ChannelHandlerContext context) {
      if (connections.add(context.channel())) {
        context.fireChannelActive();
      } else {
        var _ = context.close();
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      // By now gRPC has put TLS, if any, into the pipeline: frames can be read behind it only.
      var watch = new FrameWatch(connections.limits().control(), connections.refusals());
      var tls = context.pipeline().context(SslHandler.class);
      context.pipeline().addAfter((tls == null ? context : tls).name(), null, watch);
      context.fireChannelRead(message);
      context.pipeline().remove(this);
    }
  }
}
