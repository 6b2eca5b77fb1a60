package org.fusionc.runtime.cluster;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.Socket;
import java.util.Arrays;
import java.util.Optional;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.TlsFailure;
import org.jspecify.annotations.Nullable;

/** What failures of calls to a broker mean to a person. */
public final class CallFailures {
  /** Which kind of failure a broker's refusal is: a {@link Failure}'s name. */
  private static final Metadata.Key<String> KIND =
      Metadata.Key.of("fusionc-failure", Metadata.ASCII_STRING_MARSHALLER);

  /** How long something that is no broker may take to say so. */
  private static final int GLANCE_MILLIS = 1000;

  private CallFailures() {}

  /** A refusal, so that the caller learns of which kind it is. */
  public static StatusRuntimeException refusal(DiagnosticException refused) {
    var trailers = new Metadata();
    trailers.put(KIND, refused.failure().name());
    return status(refused).asRuntimeException(trailers);
  }

  /** A refusal, for whoever looks at codes. */
  public static Status status(DiagnosticException refused) {
    var status =
        switch (refused.failure()) {
          case USAGE, INVALID_INPUT -> Status.INVALID_ARGUMENT;
          case INFEASIBLE -> Status.FAILED_PRECONDITION;
          case CLUSTER -> Status.UNAVAILABLE;
          case FAILED -> Status.ABORTED;
        };
    return status.withDescription(refused.getMessage());
  }

  /** Whether a server has said so; else nobody could be asked. */
  static boolean isAnswer(StatusRuntimeException failure) {
    var trailers = failure.getTrailers();
    return trailers != null && !trailers.keys().isEmpty();
  }

  /** What a call's failure means. */
  static DiagnosticException diagnostic(StatusRuntimeException failure, Address broker) {
    var said = failure.getStatus().getDescription();
    var text = said == null ? failure.getStatus().getCode().toString() : said;
    var kind = kind(failure.getTrailers());
    if (kind.isPresent()) {
      return new Diagnostic(kind.get(), Location.unknown(), text, "").exception();
    }
    var place = Location.named("broker " + broker);
    // It hangs up on a call, or answers what is none.
    if (!isAnswer(failure) && speaksHttp(broker)) {
      return new Diagnostic(
              Failure.CLUSTER,
              place,
              "this port answers HTTP, as a broker's page does, and no calls",
              "give the address that the broker listens on: 127.0.0.1:7700, unless its"
                  + " --listen says otherwise")
          .exception();
    }
    return switch (failure.getStatus().getCode()) {
      case UNAVAILABLE -> unreachable(failure, place, text);
      // The text tells of gRPC's inner life.
      case DEADLINE_EXCEEDED ->
          new Diagnostic(
                  Failure.CLUSTER,
                  place,
                  "it does not answer",
                  "check the address, and give --tls DIR if it uses TLS")
              .exception();
      case UNIMPLEMENTED ->
          new Diagnostic(
                  Failure.CLUSTER,
                  place,
                  "it is none: " + text,
                  "give the broker's address; this may be a peer's")
              .exception();
      case FAILED_PRECONDITION ->
          new Diagnostic(Failure.INFEASIBLE, Location.unknown(), text, "").exception();
      case INVALID_ARGUMENT -> Diagnostic.invalid(Location.unknown(), text, "").exception();
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          Diagnostic.usage(place + ": " + text, "show a token or certificate that may do this")
              .exception();
      // What is not there has been named by the caller.
      case NOT_FOUND -> Diagnostic.usage(text, "").exception();
      default -> Diagnostic.failed(place, text, "").exception();
    };
  }

  private static DiagnosticException unreachable(
      StatusRuntimeException failure, Location place, String text) {
    var cause = failure.getStatus().getCause();
    var tls = TlsFailure.of(cause);
    if (tls.isPresent()) {
      return new Diagnostic(
              Failure.CLUSTER,
              place,
              tls.get(),
              "check that it uses TLS, that both certificates are of one CA and have not"
                  + " expired, and that the broker's names the host that was called")
          .exception();
    }
    return new Diagnostic(
            Failure.CLUSTER,
            place,
            "it cannot be reached: "
                + (cause == null ? text : text + " (" + cause.getMessage() + ")"),
            cause == null
                ? "check the address, and give --tls DIR if it uses TLS"
                : "start it with fusionc broker, or check the address")
        .exception();
  }

  private static Optional<Failure> kind(@Nullable Metadata trailers) {
    var name = trailers == null ? null : trailers.get(KIND);
    return Arrays.stream(Failure.values()).filter(each -> each.name().equals(name)).findFirst();
  }

  /** Whether a web server is there. Nothing depends on it but the words of a message. */
  private static boolean speaksHttp(Address address) {
    try (var socket = new Socket()) {
      socket.connect(address.resolve(), GLANCE_MILLIS);
      socket.setSoTimeout(GLANCE_MILLIS);
      socket.getOutputStream().write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
      return new String(socket.getInputStream().readNBytes(5), US_ASCII).equals("HTTP/");
    } catch (IOException other) {
      return false;
    }
  }
}
