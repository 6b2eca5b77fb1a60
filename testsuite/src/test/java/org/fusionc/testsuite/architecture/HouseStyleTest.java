package org.fusionc.testsuite.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Test;

/** What every file of the house keeps to. */
@AnalyzeClasses(
    packages = "org.fusionc",
    importOptions = {ImportOption.DoNotIncludeTests.class})
class HouseStyleTest {
  private static final int MOST_LINES = 500;

  /** The pass manager is what every compiler calls so. */
  @ArchTest
  static final ArchRule namesSayWhatAClassDoes =
      noClasses()
          .that()
          .haveNameNotMatching(".*\\.PassManager(\\$.*)?")
          .should()
          .haveNameMatching(".*(Utils?|Manager|Helper)(\\$.*)?")
          .because("such a name says nothing of what is in it");

  @ArchTest
  static final ArchRule onlyTheCommandLineExits =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.fusionc.cli..")
          .should()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(Runtime.class, "exit", int.class)
          .orShould()
          .callMethod(Runtime.class, "halt", int.class);

  @Test
  void filesAreSmall() throws Exception {
    var large = new ArrayList<String>();
    for (var file : Repository.javaSources()) {
      try (var lines = Files.lines(file)) {
        long count = lines.count();
        if (count > MOST_LINES) {
          large.add(relative(file) + " has " + count + " lines");
        }
      }
    }
    assertThat(large).as("files of more than " + MOST_LINES + " lines").isEmpty();
  }

  @Test
  void everyPackageIsExplainedAndNullMarked() throws Exception {
    var packages = new TreeSet<Path>();
    for (var file : mainSources()) {
      packages.add(file.getParent());
    }
    var wrong = new ArrayList<String>();
    for (var folder : packages) {
      var info = folder.resolve("package-info.java");
      if (!Files.exists(info)) {
        wrong.add(relative(folder) + " has no package-info.java");
        continue;
      }
      var text = Files.readString(info);
      if (!text.contains("@NullMarked")) {
        wrong.add(relative(info) + " is not @NullMarked");
      }
      if (!text.startsWith("/**")) {
        wrong.add(relative(info) + " explains nothing");
      }
    }
    assertThat(packages).isNotEmpty();
    assertThat(wrong).isEmpty();
  }

  private static List<Path> mainSources() {
    return Repository.javaSources().stream()
        .filter(f -> relative(f).replace('\\', '/').contains("src/main/java/"))
        .toList();
  }

  private static String relative(Path file) {
    return Repository.root().relativize(file).toString();
  }
}
