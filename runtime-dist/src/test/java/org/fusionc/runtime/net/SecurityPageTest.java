package org.fusionc.runtime.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** docs/SECURITY.md tells who may call what as it is. */
class SecurityPageTest {
  private static final Pattern METHOD = Pattern.compile("[A-Z][A-Za-z]+/[A-Z][A-Za-z]+");

  @ParameterizedTest
  @EnumSource
  void rolesAreAsTheTableSays(Role role) throws IOException {
    String row =
        page()
            .lines()
            .filter(l -> l.startsWith("| " + role.word() + " |"))
            .findFirst()
            .orElseThrow();
    Set<String> said = new TreeSet<>();
    METHOD.matcher(row).results().forEach(m -> said.add(m.group()));
    Set<String> allowed = new TreeSet<>();
    Access.callers()
        .forEach((method, callers) -> {
          if (callers.contains(role)) {
            allowed.add(method.substring("fusionc.v1.".length()));
          }
        });
    assertThat(said).isEqualTo(allowed);
  }

  private static String page() throws IOException {
    for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.exists(at.resolve("docs/SECURITY.md"))) {
        return Files.readString(at.resolve("docs/SECURITY.md"));
      }
    }
    throw new IllegalStateException("docs/SECURITY.md is not above the working directory");
  }
}
