package org.fusionc.ir.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.ToolProvider;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plug-in jars, whole and broken. */
class PluginTest {
  private static final String SERVICE = "META-INF/services/org.fusionc.ir.pass.Pass";

  @TempDir private Path directory;

  private static String source(String name, String pass, String constructor) {
    return """
    import org.fusionc.ir.Module;
    import org.fusionc.ir.pass.*;
    public class %s implements Pass {
      public %s() { %s }
      public String name() { return "%s"; }
      public String summary() { return "A test."; }
      public Module run(Module module, PassContext context) { return module; }
    }
    """
        .formatted(name, name, constructor, pass);
  }

  /** Compiles sources by class name; the class files by their path in a jar. */
  private Map<String, byte[]> compile(Map<String, String> sources) throws IOException {
    if (sources.isEmpty()) {
      return new TreeMap<>();
    }
    var out = Files.createTempDirectory(directory, "classes");
    for (var source : sources.entrySet()) {
      var file = out.resolve(source.getKey() + ".java");
      Files.writeString(file, source.getValue());
    }
    var arguments =
        new ArrayList<>(
            List.of(
                "-proc:none", "-d", out.toString(), "-cp", System.getProperty("java.class.path")));
    sources.keySet().forEach(name -> arguments.add(out.resolve(name + ".java").toString()));
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, arguments.toArray(String[]::new));
    assertThat(status).isZero();
    var classes = new TreeMap<String, byte[]>();
    for (var name : sources.keySet()) {
      classes.put(name + ".class", Files.readAllBytes(out.resolve(name + ".class")));
    }
    return classes;
  }

  private Path jar(String name, Map<String, byte[]> entries) throws IOException {
    var jar = directory.resolve(name);
    try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (var entry : entries.entrySet()) {
        out.putNextEntry(new JarEntry(entry.getKey()));
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    return jar;
  }

  private Path plugin(String name, String service, Map<String, String> sources) throws IOException {
    var entries = compile(sources);
    entries.put(SERVICE, service.getBytes(StandardCharsets.UTF_8));
    return jar(name, entries);
  }

  private static void refused(Path jar, String message) {
    assertThatThrownBy(() -> PassRegistry.load(List.of(jar)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining(jar.toString())
        .hasMessageContaining(message)
        .extracting(e -> ((DiagnosticException) e).failure())
        .isEqualTo(Failure.INVALID_INPUT);
  }

  @Test
  void aPassFromAJarIsFoundByItsName() throws Exception {
    var jar = plugin("good.jar", "Good\n", Map.of("Good", source("Good", "good-pass", "")));
    assertThat(PassRegistry.load(List.of(jar)).find("good-pass")).isPresent();
  }

  @Test
  void aFileThatIsMissingOrNoJar() throws Exception {
    refused(directory.resolve("none.jar"), "does not exist");
    var text = Files.writeString(directory.resolve("text.jar"), "not a jar");
    refused(text, "is no readable jar");
  }

  @Test
  void aJarWithoutAServiceFile() throws Exception {
    refused(jar("empty.jar", Map.of("x", new byte[0])), "has no file " + SERVICE);
  }

  @Test
  void aServiceFileThatNamesNoClass() throws Exception {
    refused(plugin("missing.jar", "Missing\n", Map.of()), "Missing not found");
    refused(plugin("syntax.jar", "two words\n", Map.of()), "Illegal configuration-file syntax");
    refused(
        plugin("other.jar", "Other\n", Map.of("Other", "public class Other {}")), "not a subtype");
  }

  @Test
  void aConstructorThatThrows() throws Exception {
    refused(
        plugin(
            "throws.jar",
            "Bad\n",
            Map.of("Bad", source("Bad", "bad", "throw new IllegalStateException(\"no luck\");"))),
        "no luck");
  }

  @Test
  void twoPassesOfOneName() throws Exception {
    var first = plugin("a.jar", "A\n", Map.of("A", source("A", "same", "")));
    var second = plugin("b.jar", "B\n", Map.of("B", source("B", "same", "")));
    assertThatThrownBy(() -> PassRegistry.load(List.of(first, second)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("b.jar")
        .hasMessageContaining("has a pass 'same', which " + first + " has as well");
  }

  @Test
  void aClassForANewerJava() throws Exception {
    var entries = compile(Map.of("Newer", source("Newer", "newer", "")));
    entries.get("Newer.class")[7] = 99;
    entries.put(SERVICE, "Newer\n".getBytes(StandardCharsets.UTF_8));
    refused(jar("newer.jar", entries), "compiled for a newer Java");
  }

  @Test
  void aClassThatNeedsAnotherOne() throws Exception {
    var sources =
        Map.of(
            "Needy",
            source("Needy", "needy", "Gone.touch();"),
            "Gone",
            "public class Gone { static void touch() {} }");
    var entries = compile(sources);
    entries.remove("Gone.class");
    entries.put(SERVICE, "Needy\n".getBytes(StandardCharsets.UTF_8));
    refused(jar("needy.jar", entries), "Gone");
  }

  @Test
  void aNameThatPipelinesCannotSay() throws Exception {
    refused(
        plugin("name.jar", "Named\n", Map.of("Named", source("Named", "Big Name", ""))),
        "has a pass called 'Big Name'");
  }
}
