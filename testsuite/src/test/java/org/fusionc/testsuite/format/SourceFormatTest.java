package org.fusionc.testsuite.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.ArrayList;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Test;

class SourceFormatTest {
  @Test
  void everySourceIsFormatted() throws Exception {
    var format = new SourceFormat();
    var root = Repository.root();
    var unformatted = new ArrayList<String>();
    for (var file : Repository.javaSources()) {
      var source = Files.readString(file);
      if (!format.format(source).equals(source)) {
        unformatted.add(root.relativize(file).toString());
      }
    }
    assertThat(unformatted)
        .as("files that are not formatted; format them with: mvn -q -N -Pformat process-sources")
        .isEmpty();
  }

  @Test
  void formattingSortsAndDropsImportsAndSpaces() throws Exception {
    var formatted =
        new SourceFormat()
            .format("import java.util.Map;\nimport java.util.List;\nclass A {\nList<?>  a; }\n");
    assertThat(formatted).isEqualTo("import java.util.List;\n\nclass A {\n  List<?> a;\n}\n");
  }
}
