package org.fusionc.runtime.stage;

/** Memory that runs' kept rows are set aside from. */
public interface RunMemory {
  /** As much as is asked for. */
  RunMemory UNBOUNDED =
      new RunMemory() {
        @Override
        public void hold(Object owner, long bytes, String figures) {}

        @Override
        public void free(Object owner) {}
      };

  /**
   * Sets aside memory for an owner, in place of what it had.
   *
   * @param figures what the bytes are made up of, for the message
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if they do not fit; nothing changes then
   */
  void hold(Object owner, long bytes, String figures);

  /** Gives back what the owner has; nothing if it has none. */
  void free(Object owner);
}
