package org.fusionc.frontend.safetensors;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/**
 * Checks that a header's tensors tile the data after it, without overlaps and without holes, as the
 * format demands; a file that breaks this was truncated, spliced or made to deceive.
 */
final class LayoutCheck {
  private static final String REMEDY = "download the file again, or save it anew";

  private final Path file;
  private final long dataLength;

  /**
   * @param dataLength the bytes that follow the header
   */
  LayoutCheck(Path file, long dataLength) {
    this.file = file;
    this.dataLength = dataLength;
  }

  /** The entries in the order of their bytes. */
  List<HeaderReader.Entry> check(List<HeaderReader.Entry> entries) {
    entries.forEach(this::checkAlone);
    List<HeaderReader.Entry> ordered =
        entries.stream()
            .sorted(
                Comparator.comparingLong(HeaderReader.Entry::begin)
                    .thenComparingLong(HeaderReader.Entry::end))
            .toList();
    long covered = 0;
    String previous = "";
    for (HeaderReader.Entry entry : ordered) {
      if (entry.begin() < covered) {
        throw invalid(
            entry,
            "its bytes " + range(entry) + " overlap those of tensor '" + previous + "'",
            REMEDY);
      }
      if (entry.begin() > covered) {
        throw invalid(
            entry,
            "the bytes " + covered + " to " + entry.begin() + " before it belong to no tensor",
            REMEDY);
      }
      covered = entry.end();
      previous = entry.name();
    }
    if (covered < dataLength) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "the last "
                  + (dataLength - covered)
                  + " bytes of the file belong to no tensor of its header",
              REMEDY)
          .exception();
    }
    return ordered;
  }

  private void checkAlone(HeaderReader.Entry entry) {
    if (entry.begin() > entry.end()) {
      throw invalid(
          entry, "its bytes end before they begin: data_offsets are " + range(entry), REMEDY);
    }
    OptionalLong expected = entry.dtype().byteLength(entry.shape());
    if (expected.isEmpty()) {
      throw invalid(
          entry,
          "its shape "
              + entry.shape()
              + " of "
              + entry.dtype()
              + " is larger than 64 bits can count, or no whole number of bytes",
          REMEDY);
    }
    if (expected.getAsLong() != entry.end() - entry.begin()) {
      throw invalid(
          entry,
          "its shape "
              + entry.shape()
              + " of "
              + entry.dtype()
              + " takes "
              + expected.getAsLong()
              + " bytes, but its data_offsets "
              + range(entry)
              + " span "
              + (entry.end() - entry.begin()),
          REMEDY);
    }
    if (entry.end() > dataLength) {
      throw invalid(
          entry,
          "its bytes "
              + range(entry)
              + " lie beyond the "
              + dataLength
              + " that follow the header: the file is truncated",
          "download the file again; "
              + (entry.end() - dataLength)
              + " bytes or more of it are missing");
    }
  }

  private static String range(HeaderReader.Entry entry) {
    return "[" + entry.begin() + ", " + entry.end() + "]";
  }

  private DiagnosticException invalid(HeaderReader.Entry entry, String message, String remedy) {
    return Diagnostic.invalid(HeaderReader.at(file, entry.name()), message, remedy).exception();
  }
}
