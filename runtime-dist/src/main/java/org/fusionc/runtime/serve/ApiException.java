package org.fusionc.runtime.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request that is answered with an error, in the shape that OpenAI's clients read. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_QUOTE = 60;

  final int status;
  final String type;
  final @Nullable String code;
  final @Nullable String param;

  /** Seconds after which trying again makes sense; 0 if it does not. */
  final int retryAfter;

  ApiException(
      int status,
      String type,
      @Nullable String code,
      @Nullable String param,
      String message,
      int retryAfter) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
    this.retryAfter = retryAfter;
  }

  /** The request itself is wrong. */
  static ApiException invalid(@Nullable String param, String message) {
    return invalid(param, "invalid_value", message);
  }

  static ApiException invalid(@Nullable String param, String code, String message) {
    return of(400, code, param, message);
  }

  /** OpenAI's API has it, but this server does not. */
  static ApiException unsupported(String param, String message) {
    return invalid(param, "unsupported_parameter", message);
  }

  static ApiException of(int status, String code, @Nullable String param, String message) {
    return new ApiException(status, "invalid_request_error", code, param, message, 0);
  }

  static ApiException noModel(String model, List<String> served) {
    return of(
        404,
        "model_not_found",
        "model",
        "The model %s does not exist; this server has %s."
            .formatted(
                quote(model), served.isEmpty() ? "none" : "'" + String.join("', '", served) + "'"));
  }

  static ApiException overloaded(int waiting) {
    return new ApiException(
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        null,
        "The server is busy: %d sessions are waiting already. Try again later.".formatted(waiting),
        1);
  }

  static ApiException shuttingDown() {
    return new ApiException(
        503, "server_error", "shutting_down", null, "The server is shutting down.", 5);
  }

  static ApiException notReady(String reason) {
    return new ApiException(
        503, "server_error", "not_ready", null, "Not ready: " + reason + ".", 1);
  }

  static ApiException failed(String message) {
    return new ApiException(500, "server_error", "internal_error", null, message, 0);
  }

  /** What a client wrote, short and printable, for messages. */
  static String quote(String text) {
    var quoted = new StringBuilder("'");
    text.codePoints()
        .limit(LONGEST_QUOTE)
        .map(c ->
            Character.getType(c) == Character.SURROGATE || Character.isISOControl(c) ? 0xFFFD : c)
        .forEach(quoted::appendCodePoint);
    return quoted
        .append(text.codePointCount(0, text.length()) > LONGEST_QUOTE ? "…'" : "'")
        .toString();
  }
}
