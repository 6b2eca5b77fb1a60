package org.fusionc.ir.pass;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.Diagnostic;

/** All passes by name, those of plug-ins included, and the ops that plug-ins bring. */
public final class PassRegistry {
  private final Map<String, Pass> passes = new TreeMap<>();
  private final OpRegistry ops;

  private PassRegistry(Collection<Pass> passes, OpRegistry ops) {
    passes.forEach(pass -> this.passes.put(pass.name(), pass));
    this.ops = ops;
  }

  /** The passes on the class path. */
  public static PassRegistry load() {
    return load(List.of());
  }

  /**
   * The passes on the class path, then those of the plug-in jars.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming the jar that is broken, and what
   *     of it
   */
  public static PassRegistry load(List<Path> jars) {
    var loader = new PluginLoader();
    loader.addClassPath();
    jars.forEach(loader::addJar);
    return new PassRegistry(loader.passes(), loader.ops());
  }

  /** A registry of just these passes, whose names must differ. */
  public static PassRegistry of(Pass... passes) {
    var names = new ArrayList<String>();
    for (var pass : passes) {
      if (names.contains(pass.name())) {
        throw Diagnostic.usage("two passes are called '" + pass.name() + "'", "rename one")
            .exception();
      }
      names.add(pass.name());
    }
    return new PassRegistry(List.of(passes), OpRegistry.builtIn());
  }

  public Optional<Pass> find(String name) {
    return Optional.ofNullable(passes.get(name));
  }

  /** The names, in alphabetical order. */
  public Collection<String> names() {
    return Collections.unmodifiableSet(passes.keySet());
  }

  /** The passes, in alphabetical order. */
  public Collection<Pass> all() {
    return Collections.unmodifiableCollection(passes.values());
  }

  /** The ops that a text may name when these plug-ins are loaded. */
  public OpRegistry ops() {
    return ops;
  }
}
