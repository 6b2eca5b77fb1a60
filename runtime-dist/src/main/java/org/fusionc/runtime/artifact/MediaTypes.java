package org.fusionc.runtime.artifact;

/** The media types of an artifact and its parts. */
public final class MediaTypes {
  /** A compiled model as a whole. */
  public static final String MODEL = "application/vnd.fusionc.model.v1";

  /** The small JSON object that describes the artifact itself. */
  public static final String CONFIG = "application/vnd.fusionc.model.config.v1+json";

  /** FIR text, UTF-8. */
  public static final String FIR = "application/vnd.fusionc.fir.v1";

  /** A tensor's elements: little-endian, contiguous, row-major, nothing else. */
  public static final String TENSOR = "application/vnd.fusionc.tensor.v1";

  /** NVIDIA PTX text. */
  public static final String PTX = "application/vnd.fusionc.ptx.v1";

  public static final String JSON = "application/json";

  public static final String TEXT = "text/plain";

  static final String INDEX = "application/vnd.oci.image.index.v1+json";
  public static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";

  private MediaTypes() {}
}
