package org.fusionc.runtime.net;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.jspecify.annotations.Nullable;

/** Makes channels to other processes, and servers for them, all secured in the same way. */
public final class Transport {
  /**
   * The largest message that is accepted: a chunk of 512 tokens of 16 Ki f32 numbers, and a bit.
   */
  public static final int MAX_MESSAGE = 64 << 20;

  private final Options options;

  private Transport(Options options) {
    this.options = options;
  }

  /**
   * What a process has to show to others.
   *
   * @param tls a directory that {@code fusionc ca issue} made, with ca.pem, cert.pem and key.pem;
   *     null to do without TLS, which is for loopback only
   * @param token what it shows to servers in each call; null if it has none
   */
  public record Options(@Nullable Path tls, @Nullable String token) {
    @Override
    public String toString() {
      return "Options[tls=" + tls + ", token=" + (token == null ? "none" : "…") + "]";
    }
  }

  /** Without credentials; servers may listen on loopback only. */
  public static Transport plain() {
    return of(new Options(null, null));
  }

  /**
   * With certificates on both sides.
   *
   * @param directory with ca.pem, cert.pem and key.pem, which are read again when they change
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if they are missing, malformed or expired
   */
  public static Transport tls(Path directory) {
    return of(new Options(directory, null));
  }

  /**
   * As the options say.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the certificates are missing,
   *     malformed or expired
   */
  public static Transport of(Options options) {
    return new Transport(options);
  }

  /** What it was made from. */
  public Options options() {
    return options;
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

  /**
   * A server to add services to and start; calls run on virtual threads. Callers are known by their
   * certificates; without TLS everything is allowed.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it would listen beyond loopback
   *     without TLS
   */
  public NettyServerBuilder server(Address listen) {
    return server(listen, null);
  }

  /**
   * As the other.
   *
   * @param tokens what callers may show instead of, or besides, a certificate; null: there are no
   *     tokens
   */
  public NettyServerBuilder server(Address listen, @Nullable Tokens tokens) {
    InetAddress address = listen.resolve().getAddress();
    if (address == null) {
      throw Diagnostic.usage(
              "there is no host '" + listen.host() + "'", "name an address of this machine")
          .exception();
    }
    if (options.tls() == null && !address.isLoopbackAddress()) {
      throw Diagnostic.usage(
              "without TLS a server listens on loopback only, and " + listen + " is not loopback",
              "give it a certificate (--tls DIR; 'fusionc ca init' and 'fusionc ca issue' make"
                  + " one), or listen on 127.0.0.1")
          .exception();
    }
    return NettyServerBuilder.forAddress(listen.resolve())
        .maxInboundMessageSize(MAX_MESSAGE)
        .permitKeepAliveTime(5, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .executor(Executors.newVirtualThreadPerTaskExecutor());
  }
}
