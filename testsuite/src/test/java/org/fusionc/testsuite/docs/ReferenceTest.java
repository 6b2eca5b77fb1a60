package org.fusionc.testsuite.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import org.fusionc.ir.OpRegistry;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Test;

class ReferenceTest {
  private static final String GENERATED = "ir-core/target/generated-docs/fir-reference.md";
  private static final String PAGE = "docs/fir-reference.md";

  @Test
  void theReferenceIsWhatTheOpTableSays() throws IOException {
    var generated = Repository.root().resolve(GENERATED);
    var page = Repository.root().resolve(PAGE);
    if (Boolean.getBoolean("fusionc.bless")) {
      Files.createDirectories(page.getParent());
      Files.copy(generated, page, StandardCopyOption.REPLACE_EXISTING);
    }
    assertThat(page).as("copy the generated page: cp %s %s", GENERATED, PAGE).exists();
    // Not AssertJ's file comparison: its message would be the whole page.
    assertThat(Files.readString(page).equals(Files.readString(generated)))
        .as("%s is as the op table has it; if not: cp %s %s", PAGE, GENERATED, PAGE)
        .isTrue();
  }

  @Test
  void theReferenceHasEveryOp() throws IOException {
    var lines = Files.readAllLines(Repository.root().resolve(PAGE));
    for (var schema : OpRegistry.builtIn().all()) {
      assertThat(lines)
          .as("a heading for %s", schema.name())
          .anyMatch(line -> line.matches("#+ .*\\b" + schema.name() + "\\b.*"));
    }
  }
}
