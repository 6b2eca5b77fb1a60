package org.fusionc.frontend.safetensors.architecture;

import java.util.Map;
import org.fusionc.ir.Value;

/** A feed-forward layer's nonlinearity, by the names that config.json files have for it. */
enum Activation {
  SILU("silu"),
  GELU("gelu"),
  GELU_TANH("gelu_tanh"),
  RELU("relu"),
  RELU_SQUARED(""),
  GELU_QUICK(""),
  TANH(""),
  SIGMOID(""),
  CLAMPED_SWIGLU("clamped_swiglu");

  /** The names in config.json. */
  static final Map<String, Activation> BY_NAME =
      Map.ofEntries(
          Map.entry("silu", SILU),
          Map.entry("swish", SILU),
          Map.entry("gelu", GELU),
          Map.entry("gelu_python", GELU),
          Map.entry("gelu_new", GELU_TANH),
          Map.entry("gelu_fast", GELU_TANH),
          Map.entry("gelu_accurate", GELU_TANH),
          Map.entry("gelu_pytorch_tanh", GELU_TANH),
          Map.entry("gelu_python_tanh", GELU_TANH),
          Map.entry("relu", RELU),
          Map.entry("relu2", RELU_SQUARED),
          Map.entry("quick_gelu", GELU_QUICK),
          Map.entry("tanh", TANH),
          Map.entry("sigmoid", SIGMOID));

  /** What experts may have: the choices of the moe op. */
  static final Map<String, Activation> OF_EXPERTS =
      Map.ofEntries(
          Map.entry("silu", SILU),
          Map.entry("swish", SILU),
          Map.entry("gelu", GELU),
          Map.entry("gelu_python", GELU),
          Map.entry("gelu_new", GELU_TANH),
          Map.entry("gelu_pytorch_tanh", GELU_TANH),
          Map.entry("relu", RELU),
          Map.entry("clamped_swiglu", CLAMPED_SWIGLU));

  /** The name that the moe op has for it; empty if it has none. */
  final String ofMoe;

  Activation(String ofMoe) {
    this.ofMoe = ofMoe;
  }

  Value of(Emitter e, Value x) {
    return switch (this) {
      case SILU -> e.ops.silu(x);
      case GELU -> e.ops.gelu(x, "none");
      case GELU_TANH -> e.ops.gelu(x, "tanh");
      case RELU -> e.ops.relu(x);
      case RELU_SQUARED -> {
        var positive = e.ops.relu(x);
        yield e.ops.mul(positive, positive);
      }
      case GELU_QUICK -> e.ops.mul(x, e.ops.sigmoid(e.scaled(x, 1.702)));
      case TANH -> e.ops.tanh(x);
      case SIGMOID -> e.ops.sigmoid(x);
      case CLAMPED_SWIGLU -> throw new IllegalArgumentException("clamped_swiglu needs a gate");
    };
  }

  /** activation(gate) · up. */
  Value gated(Emitter e, Value gate, Value up) {
    return switch (this) {
      case SILU -> e.ops.swiglu(gate, up);
      case GELU -> e.ops.geglu(gate, up, "none");
      case GELU_TANH -> e.ops.geglu(gate, up, "tanh");
      default -> e.ops.mul(of(e, gate), up);
    };
  }
}
