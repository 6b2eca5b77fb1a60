package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.time.Duration;
import javax.net.ssl.SSLException;

/**
 * Reads the headers of the HTTP/2 frames that pass, and ends connections that send anything else,
 * or floods of frames that cost the sender nothing and the server much (RFC 9113, 10.5).
 */
final class FrameWatch extends ChannelDuplexHandler {
  private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII);
  private static final int HEADER = 9;
  private static final int GO_AWAY_HEADER = HEADER + 8;
  private static final int DATA = 0;
  private static final int GO_AWAY = 7;
  private static final int WINDOW_UPDATE = 8;
  private static final int BURST_SECONDS = 10;

  private final int rate;
  private final Refusals refusals;

  private int prefaceSeen;
  private final byte[] header = new byte[HEADER];
  private int headerSeen;
  private int payloadLeft;
  private boolean ended;
  private double allowance;
  private long allowanceAt = System.nanoTime();

  FrameWatch(int rate, Refusals refusals) {
    this.rate = rate;
    this.refusals = refusals;
    this.allowance = (double) rate * BURST_SECONDS;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (ended || (message instanceof ByteBuf bytes && !admit(context, bytes))) {
      ended = true;
      ReferenceCountUtil.release(message);
      return;
    }
    context.fireChannelRead(message);
  }

  private boolean admit(ChannelHandlerContext context, ByteBuf bytes) {
    int at = bytes.readerIndex();
    int end = bytes.writerIndex();
    while (at < end) {
      if (prefaceSeen < PREFACE.length) {
        if (bytes.getByte(at++) != PREFACE[prefaceSeen++]) {
          return end(context, "preface", "it does not speak HTTP/2");
        }
      } else if (payloadLeft > 0) {
        int skipped = Math.min(payloadLeft, end - at);
        payloadLeft -= skipped;
        at += skipped;
      } else {
        header[headerSeen++] = bytes.getByte(at++);
        if (headerSeen == HEADER) {
          headerSeen = 0;
          payloadLeft = (header[0] & 255) << 16 | (header[1] & 255) << 8 | (header[2] & 255);
          if (!frame(header[3], payloadLeft)) {
            return end(context, "flood", "it floods the connection with control frames");
          }
        }
      }
    }
    return true;
  }

  /** Counts a frame; whether there may be so many. */
  private boolean frame(int type, int length) {
    double cost =
        switch (type) {
          case DATA -> length > 0 ? 0 : 1;
          // A receiver of much data says so often.
          case WINDOW_UPDATE -> 0.05;
          default -> 1;
        };
    if (cost == 0) {
      return true;
    }
    long now = System.nanoTime();
    double seconds = (now - allowanceAt) / (double) Duration.ofSeconds(1).toNanos();
    allowanceAt = now;
    allowance = Math.min((double) rate * BURST_SECONDS, allowance + seconds * rate) - cost;
    return allowance >= 0;
  }

  private boolean end(ChannelHandlerContext context, String kind, String reason) {
    if (!ended) {
      ended = true;
      refusals.refuse(context.channel().remoteAddress(), kind, reason);
      var _ = context.close();
    }
    return false;
  }

  /** What gRPC found wrong with the connection shows as a frame that says goodbye. */
  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes && bytes.readableBytes() >= GO_AWAY_HEADER) {
      int at = bytes.readerIndex();
      int length = bytes.getUnsignedMedium(at);
      long error = bytes.getUnsignedInt(at + HEADER + 4);
      if (bytes.getByte(at + 3) == GO_AWAY
          && bytes.getInt(at + 5) == 0
          && length >= 8
          && length < 1024
          && error > 0
          && error < 64) {
        refusals.refuse(
            context.channel().remoteAddress(),
            "goaway " + error,
            "a violation of HTTP/2, ended with error " + error);
      }
    }
    var _ = context.write(message, promise);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslHandshakeCompletionEvent done && !done.isSuccess()) {
      refusals.refuse(
          context.channel().remoteAddress(), "tls", "TLS handshake: " + reason(done.cause()));
    }
    context.fireUserEventTriggered(event);
  }

  /** A certificate that this side refuses shows as an exception, without an event. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
    if (!(failure instanceof IOException) || failure instanceof SSLException) {
      refusals.refuse(
          context.channel().remoteAddress(), "tls", "TLS handshake: " + reason(failure));
    }
    context.fireExceptionCaught(failure);
  }

  private static String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }
}
