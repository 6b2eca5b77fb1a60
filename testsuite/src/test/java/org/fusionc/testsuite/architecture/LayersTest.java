package org.fusionc.testsuite.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Executable;

/** The house's layers: data flows down the list of modules, so an arrow may only point up it. */
@AnalyzeClasses(
    packages = "org.fusionc",
    importOptions = {ImportOption.DoNotIncludeTests.class})
class LayersTest {
  /** In the order in which data flows. */
  private static final List<String> LAYERS =
      List.of(
          "grammar",
          "ir",
          "frontend.safetensors",
          "passes",
          "partitioner",
          "backend.cpu",
          "runtime",
          "broker",
          "cli");

  private static String packagesOf(String layer) {
    return "org.fusionc." + layer + "..";
  }

  @ArchTest
  static void arrowsPointUpTheList(JavaClasses all) {
    for (int i = 0; i < LAYERS.size(); i++) {
      var below = LAYERS.subList(i + 1, LAYERS.size()).stream().map(LayersTest::packagesOf);
      noClasses()
          .that()
          .resideInAPackage(packagesOf(LAYERS.get(i)))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(below.toArray(String[]::new))
          .because("data flows down the list of modules, and what is above does not know it")
          .allowEmptyShould(true)
          .check(all);
    }
  }

  @ArchTest
  static void everyClassBelongsToALayer(JavaClasses all) {
    var layers = new ArrayList<>(LAYERS.stream().map(LayersTest::packagesOf).toList());
    layers.add("org.fusionc.examples..");
    classes().should().resideInAnyPackage(layers.toArray(String[]::new)).check(all);
  }

  @ArchTest
  static final ArchRule backendsAreFoundAsServices =
      noClasses()
          .that()
          .resideInAnyPackage("org.fusionc.runtime..", "org.fusionc.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.fusionc.backend..")
          .because(
              "a backend is found with ServiceLoader, so that another one needs no change here");

  @ArchTest
  static final ArchRule frontEndsKnowNoDevices =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.frontend..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("org.fusionc.ir.plan..")
                  .or(assignableTo(Backend.class))
                  .or(assignableTo(Executable.class))
                  .as("plans or backends"))
          .because("a front end knows no devices; it gives weights to whoever asks");

  @ArchTest
  static final ArchRule irReadsNoModelFiles =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.ir..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("tools.jackson..", "java.nio.channels..")
          .because("the IR knows the files of no model format");

  @ArchTest
  static final ArchRule passesSeeNoWeightBytesAndNoDrivers =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.passes..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("java.net..", "java.nio.channels..")
                  .or(foreignFunctions())
                  .as("sockets, mapped files or native functions"));

  @ArchTest
  static final ArchRule planningOpensNoSocketsAndCallsNoDrivers =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.partitioner..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("java.net..", "java.nio.channels..", "java.lang.foreign..")
                  .as("sockets, mapped files or native memory"));

  @ArchTest
  static final ArchRule backendsOpenNoSockets =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.backend..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("java.net..");

  @ArchTest
  static final ArchRule commandsHoldNoLogic =
      noClasses()
          .that()
          .resideInAPackage("org.fusionc.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.lang.foreign..", "java.nio.channels..", "org.fusionc.grammar..")
          .because("a subcommand parses its options and calls what does the work");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices()
          .assignedFrom(new Packages())
          .should()
          .beFreeOfCycles()
          .because("a package is understood with the ones that it builds on");

  private static DescribedPredicate<JavaClass> foreignFunctions() {
    return DescribedPredicate.describe(
        "native functions",
        c ->
            c.getName().startsWith("java.lang.foreign.Linker")
                || c.getName().startsWith("java.lang.foreign.SymbolLookup"));
  }

  /** Every package is a slice; the op set is generated into a package of its own but is the IR. */
  private static final class Packages implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass c) {
      var name = c.getPackageName();
      return SliceIdentifier.of(name.equals("org.fusionc.ir.op") ? "org.fusionc.ir" : name);
    }

    @Override
    public String getDescription() {
      return "packages";
    }
  }
}
