package org.fusionc.runtime.net;

import io.grpc.DecompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.jspecify.annotations.Nullable;

/** Makes channels to other processes, and servers for them, all secured in the same way. */
public final class Transport {
  /**
   * The largest message that is accepted: a chunk of 512 tokens of 16 Ki f32 numbers, and a bit.
   */
  public static final int MAX_MESSAGE = 64 << 20;

  /** The largest message of services that carry no activations. */
  public static final int MAX_CONTROL_MESSAGE = 4 << 20;

  /**
   * gRPC logs each broken connection with a trace, through java.util.logging; what matters of it is
   * in {@link Refusals}, bounded. (A field, since loggers that nobody holds forget their level.)
   */
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  /** It warns, with a trace, of each answer that the other side did not wait for. */
  private static final Logger STREAM_LOG = Logger.getLogger("io.grpc.netty.NettyServerHandler");

  /** It warns, with traces, of hosts that have no address; whoever calls is told. */
  private static final Logger NAME_LOG = Logger.getLogger("io.grpc.internal.ManagedChannelImpl");

  static {
    if (GRPC_LOG.getLevel() == null) {
      GRPC_LOG.setLevel(Level.WARNING);
      STREAM_LOG.setLevel(Level.SEVERE);
      NAME_LOG.setLevel(Level.SEVERE);
    }
  }

  /** What a connection may send before it is read, in bytes. */
  private static final int WINDOW = 1 << 20;

  private static final int MAX_RESETS = 200;
  private static final int RESETS_WINDOW_SECONDS = 30;

  /** Their threads are the process's: servers come and go. */
  private static final EventLoopGroup ACCEPTING = eventLoops("fusionc-accept", 1);

  private static final EventLoopGroup SERVING =
      eventLoops("fusionc-serve", Math.max(2, Runtime.getRuntime().availableProcessors()));
  private static final String FRAMES = StageServiceGrpc.getActivateMethod().getFullMethodName();
  private static final Executor CALLS = Executors.newVirtualThreadPerTaskExecutor();

  private final Options options;
  private final @Nullable SslContext clientTls;
  private final @Nullable SslContext serverTls;

  private Transport(Options options) {
    this.options = options;
    if (options.tls() == null) {
      clientTls = null;
      serverTls = null;
      return;
    }
    var credentials = new Credentials(options.tls());
    var keys = new CredentialsKeys(credentials);
    var trust = new CredentialsTrust(credentials);
    try {
      clientTls = tls(SslContextBuilder.forClient().keyManager(keys)).trustManager(trust).build();
      serverTls =
          tls(SslContextBuilder.forServer(keys))
              .trustManager(trust)
              .clientAuth(ClientAuth.REQUIRE)
              .build();
    } catch (SSLException e) {
      throw Diagnostic.failed(
              Location.named(options.tls().toString()),
              "TLS cannot be set up: " + e.getMessage(),
              "this needs a JDK with TLS 1.3")
          .exception();
    }
  }

  private static SslContextBuilder tls(SslContextBuilder builder) {
    return GrpcSslContexts.configure(builder, SslProvider.JDK).protocols("TLSv1.3");
  }

  private static EventLoopGroup eventLoops(String name, int threads) {
    return new MultiThreadIoEventLoopGroup(
        threads, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
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

  /**
   * This, if its certificate is for a role, or if it has none: others would refuse to call a server
   * that has another's.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is for another role
   */
  public Transport as(Role role) {
    if (options.tls() != null) {
      var file = options.tls().resolve("cert.pem");
      var certified = Identity.read(file).role();
      if (certified != role) {
        throw Diagnostic.usage(
                file
                    + " is a certificate for the role "
                    + (certified == null ? "none" : certified.word()),
                "name one that 'fusionc ca issue NAME --role " + role.word() + "' made")
            .exception();
      }
    }
    return this;
  }

  /** What it was made from. */
  public Options options() {
    return options;
  }

  /** A channel; it connects when first used, and again whenever the connection is lost. */
  public ManagedChannel channel(Address address) {
    var builder =
        NettyChannelBuilder.forAddress(address.host(), address.port())
            .intercept(new BoundedAnswers(), new CallerCredentials(options.token()))
            .maxInboundMessageSize(MAX_MESSAGE)
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveTimeout(5, TimeUnit.SECONDS);
    return (clientTls == null ? builder.usePlaintext() : builder.sslContext(clientTls)).build();
  }

  /**
   * A server to add services to and start; calls run on virtual threads. Callers are known by their
   * certificates; without TLS everything is allowed. What a message holds is bounded before it is
   * parsed ({@link MessageBounds}).
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it would listen beyond loopback
   *     without TLS
   */
  public BoundedServerBuilder server(Address listen) {
    return server(listen, null);
  }

  /**
   * As the other.
   *
   * @param tokens what callers may show instead of, or besides, a certificate; null: there are no
   *     tokens
   */
  public BoundedServerBuilder server(Address listen, @Nullable Tokens tokens) {
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
    return server(listen, tokens, Limits.DEFAULT);
  }

  /**
   * As the other, for whoever takes no activations: messages have at most {@link
   * #MAX_CONTROL_MESSAGE} bytes, not {@link #MAX_MESSAGE}.
   */
  public BoundedServerBuilder controlServer(Address listen, @Nullable Tokens tokens) {
    return server(listen, tokens).maxInboundMessageSize(MAX_CONTROL_MESSAGE);
  }

  /** For tests, which have less patience. */
  BoundedServerBuilder server(Address listen, @Nullable Tokens tokens, Limits limits) {
    var refusals = new Refusals(SERVING.next());
    var connections = new Connections(limits, refusals);
    var builder =
        NettyServerBuilder.forAddress(listen.resolve())
            .bossEventLoopGroup(ACCEPTING)
            .workerEventLoopGroup(SERVING)
            .channelFactory(() -> new GuardedServerChannel(connections))
            .executor(CALLS)
            .callExecutor(Transport::executor)
            .intercept(new AccessCheck(tokens, connections))
            .addStreamTracerFactory(RefusalTracer.factory(refusals))
            .addStreamTracerFactory(MessageTracer.factory(new MessageBudget(connections)))
            // Nobody compresses, and what is small on the way cannot become large here.
            .decompressorRegistry(DecompressorRegistry.emptyInstance())
            .flowControlWindow(WINDOW)
            .maxInboundMessageSize(MAX_MESSAGE)
            .maxInboundMetadataSize(limits.metadata())
            .maxConcurrentCallsPerConnection(limits.calls())
            .maxRstFramesPerWindow(MAX_RESETS, RESETS_WINDOW_SECONDS)
            .handshakeTimeout(limits.handshake().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionIdle(limits.idle().toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true);
    return new BoundedServerBuilder(serverTls == null ? builder : builder.sslContext(serverTls));
  }

  /** What takes frames only checks and queues them: on the connection's own thread, at once. */
  private static <Q, R> @Nullable Executor executor(ServerCall<Q, R> call, Metadata headers) {
    var method = call.getMethodDescriptor();
    return method.getFullMethodName().equals(FRAMES) ? Runnable::run : null;
  }
}
