package org.fusionc.ir.backend;

/** Whether a backend runs an op as it stands; if not, why, and the nearest form that it runs. */
public sealed interface Support {
  /** The backend runs the op with this kernel. */
  record Yes(String kernel) implements Support {}

  /** The backend does not run the op. */
  record No(String reason, String nearest) implements Support {}

  default boolean isSupported() {
    return this instanceof Yes;
  }
}
