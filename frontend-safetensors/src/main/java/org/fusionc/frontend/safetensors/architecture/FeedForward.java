package org.fusionc.frontend.safetensors.architecture;

import java.util.Map;
import org.fusionc.ir.Value;

/** The second half of a layer: gated, plain, or a mixture of experts. */
final class FeedForward {
  private enum Kind {
    GATED,
    PLAIN,
    EXPERTS
  }

  private final Emitter e;
  private final Experts experts;
  private final long hidden;

  FeedForward(Emitter e) {
    this.e = e;
    this.experts = new Experts(e);
    this.hidden = e.features.count("hidden");
  }

  Value of(Value x, int layer) {
    var kind =
        e.features.choice(
            "mlp.kind",
            layer,
            Map.of("gated", Kind.GATED, "plain", Kind.PLAIN, "experts", Kind.EXPERTS));
    return switch (kind) {
      case GATED -> gated(e, x, "mlp", layer, e.features.count("width", layer));
      case PLAIN -> plain(x, layer);
      case EXPERTS -> experts.of(x, layer);
    };
  }

  private Value plain(Value x, int layer) {
    var activation = e.features.choice("activation", layer, Activation.BY_NAME);
    long width = e.features.count("width", layer);
    boolean bias = e.features.flag("mlp.bias", layer);
    var up = e.named(e.linear(x, "mlp.up", layer, hidden, width, bias), "mlp.up", layer);
    var active = e.named(activation.of(e, up), "mlp.active", layer);
    return e.named(e.linear(active, "mlp.down", layer, width, hidden, bias), "mlp.out", layer);
  }

  /** down(activation(gate(x)) · up(x)), of the weights that begin with {@code prefix}. */
  static Value gated(Emitter e, Value x, String prefix, int layer, long width) {
    var activation = e.features.choice("activation", layer, Activation.BY_NAME);
    long hidden = e.features.count("hidden");
    boolean bias = e.features.flag("mlp.bias", layer);
    boolean fused =
        e.features.choice("mlp.fused", layer, Map.of("none", false, "concatenated", true));
    Value gate;
    Value up;
    if (fused) {
      var both = e.linear(x, prefix + ".gate_up", layer, hidden, 2 * width, bias);
      e.named(both, prefix + ".gate_up", layer);
      gate = e.slice(both, 1, 0, width);
      up = e.slice(both, 1, width, 2 * width);
    } else {
      gate = e.linear(x, prefix + ".gate", layer, hidden, width, bias);
      up = e.linear(x, prefix + ".up", layer, hidden, width, bias);
    }
    e.named(gate, prefix + ".gate", layer);
    e.named(up, prefix + ".up", layer);
    var active = e.named(activation.gated(e, gate, up), prefix + ".active", layer);
    return e.named(
        e.linear(active, prefix + ".down", layer, width, hidden, bias), prefix + ".out", layer);
  }
}
