package org.fusionc.ir.diagnostic;

/** Where something came from. */
public sealed interface Location {

  /**
   * A place in a text file.
   *
   * @param file the file's name as the user gave it
   * @param line 1-based
   * @param column 1-based
   */
  record Text(String file, int line, int column) implements Location {
    @Override
    public String toString() {
      return file + ":" + line + ":" + column;
    }
  }

  /** A place by name: a file, a tensor in a file, a node of an imported graph. */
  record Named(String name) implements Location {
    private static final Named UNKNOWN = new Named("");

    @Override
    public String toString() {
      return name;
    }
  }

  /** Nothing is known of the origin. */
  static Location unknown() {
    return Named.UNKNOWN;
  }

  static Location named(String name) {
    return new Named(name);
  }

  default boolean isKnown() {
    return !equals(unknown());
  }
}
