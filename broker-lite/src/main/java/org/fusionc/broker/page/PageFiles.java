package org.fusionc.broker.page;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;

/** The page itself: four files, which ask nothing of any other server. */
final class PageFiles {
  private static final String POLICY =
      "default-src 'self'; style-src 'self'; img-src data:; object-src 'none'; base-uri 'none';"
          + " form-action 'none'; frame-ancestors 'none'";

  private static final Map<String, File> FILES =
      Map.of(
          "/", file("index.html", "text/html; charset=utf-8"),
          "/page.css", file("page.css", "text/css; charset=utf-8"),
          "/page.js", file("page.js", "text/javascript; charset=utf-8"),
          "/chat.js", file("chat.js", "text/javascript; charset=utf-8"));

  private record File(String type, byte[] content) {}

  private PageFiles() {}

  private static File file(String name, String type) {
    try (var in = Objects.requireNonNull(PageFiles.class.getResourceAsStream(name), name)) {
      return new File(type, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean has(String path) {
    return FILES.containsKey(path);
  }

  /** Headers that every answer has: nothing is loaded from elsewhere, guessed at or framed. */
  static void protect(ServerResponse response) {
    response.header(HeaderNames.create("Content-Security-Policy"), POLICY);
    response.header(HeaderNames.create("X-Content-Type-Options"), "nosniff");
    response.header(HeaderNames.create("Referrer-Policy"), "no-referrer");
    response.header(HeaderNames.create("Cross-Origin-Resource-Policy"), "same-origin");
    response.header(HeaderNames.CACHE_CONTROL, "no-cache");
  }

  /** The type of a file that {@link #has} knows. */
  static String type(String path) {
    return Objects.requireNonNull(FILES.get(path)).type;
  }

  /** What is in it; not to be changed. */
  static byte[] content(String path) {
    return Objects.requireNonNull(FILES.get(path)).content;
  }
}
