package org.fusionc.runtime.blob;

import java.io.IOException;

/** A blob that was not stored, and why. */
public final class BlobException extends IOException {
  private static final long serialVersionUID = 1L;

  /** What was wrong. */
  public enum Kind {
    /** The bytes have another digest; what was there of it has been deleted. */
    DAMAGED,
    /** Somebody else is writing it now. */
    BUSY,
    /** It is larger than what is accepted, or longer than was said. */
    TOO_LARGE,
    /** The disk has no room for it. */
    NO_SPACE,
    /** The bytes do not begin where those that are here end. */
    OUT_OF_ORDER
  }

  private final Kind kind;

  BlobException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
