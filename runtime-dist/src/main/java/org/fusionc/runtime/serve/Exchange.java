package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.helidon.common.buffers.DataReader;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One request and its answer. */
final class Exchange {
  /** The client has gone; nobody is left to tell. */
  static final class Gone extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Gone() {
      super(null, null, false, false);
    }
  }

  /** Bytes that a body can have. */
  static final int LARGEST_BODY = 4 << 20;

  /** What is read and thrown away of a body that is too large, so that its sender hears of it. */
  private static final int LARGEST_WASTE = 4 * LARGEST_BODY;

  private final ServerRequest request;
  private final ServerResponse response;
  private final Connections.Tracked connection;
  final long arrived = System.nanoTime();
  private @Nullable OutputStream stream;
  private int status;

  Exchange(ServerRequest request, ServerResponse response, Connections.Tracked connection) {
    this.request = request;
    this.response = response;
    this.connection = connection;
  }

  /** The whole body. */
  byte[] body() {
    var type = request.headers().contentType();
    if (type.isEmpty()
        || !type.get().mediaType().text().equalsIgnoreCase("application/json")
        || !type.get().charset().orElse("utf-8").equalsIgnoreCase("utf-8")) {
      // This keeps web pages of others out, too: a form cannot send it.
      throw ApiException.of(
          415,
          "unsupported_media_type",
          null,
          "The body must be sent as application/json, in UTF-8.");
    }
    try (var in = request.content().inputStream()) {
      var body = in.readNBytes(LARGEST_BODY + 1);
      if (body.length > LARGEST_BODY) {
        for (int waste = 0; waste < LARGEST_WASTE; waste += 1 << 16) {
          if (in.readNBytes(1 << 16).length == 0) {
            break;
          }
        }
        response.header(HeaderNames.CONNECTION, "close");
        throw ApiException.of(
            413, "request_too_large", null, "The body has more than " + LARGEST_BODY + " bytes.");
      }
      return body;
    } catch (ApiException refused) {
      throw refused;
    } catch (IOException
        | UncheckedIOException
        | CloseConnectionException
        | DataReader.InsufficientDataAvailableException gone) {
      throw new Gone();
    } catch (RuntimeException malformed) {
      // Where the next request would begin is not known.
      response.header(HeaderNames.CONNECTION, "close");
      throw ApiException.of(
          400,
          "invalid_body",
          null,
          "The body is not sent as HTTP wants it: its chunks are wrong.");
    }
  }

  Connections.Tracked connection() {
    return connection;
  }

  /** The answer's status; 0 before it has begun. */
  int status() {
    return status;
  }

  /** Sends a whole answer. */
  void send(int code, String type, byte[] body) {
    status = code;
    connection.writing();
    try {
      response.status(code).header(HeaderNames.CONTENT_TYPE, type);
      if (request.prologue().method().text().equals(ApiRoutes.HEAD)) {
        response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
        response.send();
      } else {
        response.send(body);
      }
    } catch (UncheckedIOException | ServerConnectionException failed) {
      throw new Gone();
    }
  }

  void send(ObjectNode answer) {
    send(200, "application/json", Json.bytes(answer));
  }

  void send(ApiException error) {
    if (stream != null) {
      event(error(error));
      end();
      return;
    }
    if (error.retryAfter > 0) {
      response.header(HeaderNames.RETRY_AFTER, Integer.toString(error.retryAfter));
    }
    if (error.status == 401) {
      response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
    }
    send(error.status, "application/json", Json.bytes(error(error)));
  }

  /** OpenAI's shape of an error. */
  private static ObjectNode error(ApiException error) {
    var node = JsonNodeFactory.instance.objectNode();
    var inner = node.putObject("error");
    inner.put("message", error.getMessage());
    inner.put("type", error.type);
    inner.put("param", error.param);
    inner.put("code", error.code);
    return node;
  }

  void header(String name, String value) {
    response.header(name, value);
  }

  /** Sends one event of a stream, and the head before the first. */
  void event(ObjectNode data) {
    event(Json.bytes(data));
  }

  /** Ends a stream as it should end. */
  void done() {
    event("[DONE]".getBytes(UTF_8));
    end();
  }

  /** As {@link #event(ObjectNode)}; one line of JSON. */
  void event(byte[] data) {
    connection.writing();
    try {
      var out = stream;
      if (out == null) {
        status = 200;
        response
            .header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8")
            .header(HeaderNames.CACHE_CONTROL, "no-cache");
        out = response.outputStream();
        stream = out;
      }
      var event = new byte[data.length + 8];
      System.arraycopy("data: ".getBytes(UTF_8), 0, event, 0, 6);
      System.arraycopy(data, 0, event, 6, data.length);
      event[event.length - 2] = '\n';
      event[event.length - 1] = '\n';
      out.write(event);
      out.flush();
    } catch (IOException | UncheckedIOException | ServerConnectionException failed) {
      throw new Gone();
    }
    connection.written();
  }

  private void end() {
    var out = stream;
    if (out == null) {
      return;
    }
    connection.writing();
    try {
      out.close();
    } catch (IOException | UncheckedIOException | ServerConnectionException failed) {
      throw new Gone();
    }
    connection.written();
  }
}
