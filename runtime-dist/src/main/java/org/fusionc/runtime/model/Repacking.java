package org.fusionc.runtime.model;

import java.util.Collection;
import java.util.Optional;
import java.util.TreeSet;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.PackedLayout;

/** What is to be done to an artifact's weights that lie otherwise than a backend reads them. */
public final class Repacking {
  private Repacking() {}

  /**
   * What to tell a person who waits for it, without the artifact's name; empty if there is nothing
   * to do.
   *
   * @param weights those that the backend is to read
   */
  public static Optional<String> notice(Collection<WeightDef> weights, Backend backend) {
    var own = backend.layout();
    var others = new TreeSet<String>();
    for (var weight : weights) {
      if (weight.source() instanceof WeightSource.Blob(_, var name) && name != null) {
        var stored = PackedLayout.named(name);
        boolean isSame =
            stored.isPresent()
                && own.isPresent()
                && stored.get().isSame(own.get(), weight.type().dtype());
        if (!isSame) {
          others.add(name);
        }
      }
    }
    if (others.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "its weights are packed for %s, and %s reads them otherwise: they are %s while loading; an artifact compiled with --pack %s loads faster"
            .formatted(
                String.join(" and ", others),
                backend.kind(),
                own.isPresent() ? "packed anew" : "unpacked",
                own.map(PackedLayout::name).orElse("none")));
  }
}
