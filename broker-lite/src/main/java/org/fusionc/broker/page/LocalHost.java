package org.fusionc.broker.page;

import io.helidon.webserver.http.ServerRequest;
import java.util.regex.Pattern;

/**
 * Whether a request was meant for this machine. A name of somebody else's that has been made to
 * point here would let their pages read what is for the people at this machine.
 */
final class LocalHost {
  static final String REFUSAL =
      "the page is for this machine: ask for it at 127.0.0.1 or localhost";

  private static final Pattern NAMES =
      Pattern.compile(
          "(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\]|::1)(:[0-9]{1,5})?",
          Pattern.CASE_INSENSITIVE);

  private LocalHost() {}

  static boolean asked(ServerRequest request) {
    return NAMES.matcher(request.authority()).matches();
  }
}
