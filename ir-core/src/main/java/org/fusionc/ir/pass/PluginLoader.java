package org.fusionc.ir.pass;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/** Finds passes through service files; whatever is broken becomes a diagnostic naming the jar. */
final class PluginLoader {
  private static final String SERVICE = "META-INF/services/" + Pass.class.getName();
  private static final String OPS_SERVICE =
      "META-INF/services/" + OpRegistry.Provider.class.getName();

  private final Map<String, Pass> passes = new LinkedHashMap<>();
  private final Map<String, String> origins = new LinkedHashMap<>();
  private ClassLoader loader = PluginLoader.class.getClassLoader();
  private OpRegistry ops = OpRegistry.builtIn();

  Collection<Pass> passes() {
    return passes.values();
  }

  OpRegistry ops() {
    return ops;
  }

  void addClassPath() {
    addAll("the class path", null);
  }

  /** Adds a jar's passes and ops; its classes see those of the jars before it. */
  void addJar(Path jar) {
    var name = jar.toString();
    try (var zip = new ZipFile(jar.toFile())) {
      if (zip.getEntry(SERVICE) == null && zip.getEntry(OPS_SERVICE) == null) {
        throw broken(
            name, "has no file " + SERVICE, "list the classes of its passes there, one a line");
      }
    } catch (IOException unreadable) {
      throw Files.exists(jar)
          ? broken(name, "is no readable jar: " + IoReason.of(unreadable), "build it again")
          : broken(name, "does not exist", "give the path of a jar");
    }
    var own = new URLClassLoader(new URL[] {url(jar)}, loader);
    loader = own;
    addAll(name, own);
  }

  private static URL url(Path jar) {
    try {
      return jar.toUri().toURL();
    } catch (MalformedURLException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * @param only takes just the passes whose classes this loader defines; null for all
   */
  private void addAll(String origin, @Nullable ClassLoader only) {
    try {
      for (var provider : (Iterable<ServiceLoader.Provider<Pass>>) services()::iterator) {
        if (only == null || only.equals(provider.type().getClassLoader())) {
          add(origin, provider.get());
        }
      }
      ops = OpRegistry.load(loader);
    } catch (ServiceConfigurationError | LinkageError error) {
      throw broken(origin, "cannot be loaded: " + reason(error), remedy(error));
    }
  }

  private Stream<ServiceLoader.Provider<Pass>> services() {
    return ServiceLoader.load(Pass.class, loader).stream();
  }

  private void add(String origin, Pass pass) {
    String name;
    try {
      name = pass.name();
      var options = pass.options();
      if (pass.summary().isEmpty() || options.stream().anyMatch(o -> o.name().isEmpty())) {
        throw broken(origin, "has a pass '" + name + "' without a summary", "give it one");
      }
    } catch (DiagnosticException diagnosed) {
      throw diagnosed;
    } catch (RuntimeException thrown) {
      throw broken(
          origin,
          "cannot be loaded: %s does not tell its name, summary and options: %s"
              .formatted(pass.getClass().getName(), thrown),
          "mend the pass");
    }
    if (!name.matches("[a-z][a-z0-9-]*")) {
      throw broken(
          origin,
          "has a pass called '" + name + "'",
          "use lower-case letters, digits and hyphens, so that pipelines can name it");
    }
    if (passes.putIfAbsent(name, pass) != null) {
      throw broken(
          origin,
          "has a pass '%s', which %s has as well".formatted(name, origins.get(name)),
          "rename it, for example with a prefix");
    }
    origins.put(name, origin);
  }

  private static String reason(Throwable error) {
    if (error instanceof UnsupportedClassVersionError) {
      return "it is compiled for a newer Java than " + Runtime.version().feature();
    }
    if (error instanceof NoClassDefFoundError missing) {
      return "a class that it needs is missing: " + missing.getMessage();
    }
    var message = error.getMessage();
    var cause = error.getCause();
    return cause == null ? String.valueOf(message) : message + ": " + cause;
  }

  private static String remedy(Throwable error) {
    if (error instanceof UnsupportedClassVersionError) {
      return "compile it with --release " + Runtime.version().feature();
    }
    if (error instanceof LinkageError) {
      return "put what it needs into the jar, and build it against this version of fusionc";
    }
    return "compare its " + SERVICE + " with the classes in it";
  }

  private static DiagnosticException broken(String origin, String what, String remedy) {
    return Diagnostic.invalid(Location.named(origin), "the plug-in " + what, remedy).exception();
  }
}
