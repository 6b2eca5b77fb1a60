package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.wire.Port;

/**
 * The rows that a stage has sent on, as they were encoded, per session and tensor: what the next
 * stage is fed if it loses its cache. Rows that come again at a position replace those there and
 * forget those after. Not for several threads; what {@link #kept} gives may be read by others,
 * since rows that come again are the same.
 *
 * <p>A session has as many rows as positions, and they are kept in pieces of a page each. Since no
 * two sessions share a page, a run with so many pages keeps at most {@link #bytes} bytes.
 */
final class RowLog {
  /** A session's rows at one moment: each piece of a column has those of {@code pageTokens}. */
  record Kept(
      int length,
      int pageTokens,
      Map<String, List<byte[]>> columns,
      Map<String, ByteString> fixed) {
    /** A tensor's rows from one position up to another. */
    ByteString rows(Port port, int from, int to) {
      return switch (port.rows()) {
        case OUTPUT -> ByteString.EMPTY;
        case FIXED -> fixed.getOrDefault(port.name(), ByteString.EMPTY);
        case TOKEN -> {
          var column = columns.get(port.name());
          yield column == null ? ByteString.EMPTY : rows(column, port.rowBytes(), from, to);
        }
      };
    }

    private ByteString rows(List<byte[]> column, long bytes, int from, int to) {
      var parts = new ArrayList<ByteString>();
      for (int at = from; at < to; ) {
        int first = at % pageTokens;
        int count = Math.min(pageTokens - first, to - at);
        parts.add(
            UnsafeByteOperations.unsafeWrap(
                column.get(at / pageTokens), (int) (first * bytes), (int) (count * bytes)));
        at += count;
      }
      return ByteString.copyFrom(parts);
    }
  }

  private static final class Rows {
    final Map<String, List<byte[]>> columns = new LinkedHashMap<>();
    int length;
  }

  private final List<Port> ports;
  private final int pageTokens;
  private final Map<Long, Rows> sessions = new HashMap<>();
  private final Map<String, ByteString> fixed = new HashMap<>();

  RowLog(List<Port> ports, int pageTokens) {
    this.ports = ports;
    this.pageTokens = pageTokens;
  }

  /** The most that is kept of sessions whose positions have so many pages, in bytes. */
  static long bytes(List<Port> ports, int pageTokens, int pages) {
    long row = 0;
    for (var port : ports) {
      row += port.rows() == Port.Rows.TOKEN ? port.rowBytes() : 0;
    }
    return Math.multiplyExact(row, (long) pageTokens * pages);
  }

  /**
   * Keeps rows of a frame.
   *
   * @param start position of the first
   * @param first its row in the frame
   * @param encoded per port the frame's rows
   */
  void put(long session, int start, int first, int count, List<ByteString> encoded) {
    var rows = sessions.computeIfAbsent(session, id -> new Rows());
    for (int i = 0; i < ports.size(); i++) {
      var port = ports.get(i);
      if (port.rows() == Port.Rows.TOKEN) {
        int bytes = (int) port.rowBytes();
        var column = rows.columns.computeIfAbsent(port.name(), name -> new ArrayList<>());
        for (int done = 0; done < count; ) {
          int at = start + done;
          while (column.size() <= at / pageTokens) {
            column.add(new byte[pageTokens * bytes]);
          }
          int length = Math.min(pageTokens - at % pageTokens, count - done);
          int from = (first + done) * bytes;
          encoded
              .get(i)
              .substring(from, from + length * bytes)
              .copyTo(column.get(at / pageTokens), at % pageTokens * bytes);
          done += length;
        }
      } else if (port.rows() == Port.Rows.FIXED) {
        fixed.put(port.name(), encoded.get(i));
      }
    }
    rows.length = start + count;
  }

  /** Positions of a session that are kept. */
  int length(long session) {
    var rows = sessions.get(session);
    return rows == null ? 0 : rows.length;
  }

  /** A session's rows; empty if fewer positions are kept. */
  Optional<Kept> kept(long session, int length) {
    var rows = sessions.get(session);
    return rows == null || length > rows.length
        ? Optional.empty()
        : Optional.of(new Kept(length, pageTokens, copy(rows.columns), Map.copyOf(fixed)));
  }

  private static Map<String, List<byte[]>> copy(Map<String, List<byte[]>> columns) {
    var copy = new HashMap<String, List<byte[]>>();
    columns.forEach((name, column) -> copy.put(name, List.copyOf(column)));
    return copy;
  }

  /**
   * The rows that a replay asks for.
   *
   * @throws io.grpc.StatusRuntimeException if it asks for more than there are
   */
  List<ReplayFrames.Source> sources(List<ReplaySession> wanted) {
    var sources = new ArrayList<ReplayFrames.Source>();
    for (var session : wanted) {
      int length = session.getLength();
      var kept = length < 0 ? Optional.<Kept>empty() : kept(session.getSession(), length);
      if (kept.isEmpty() && length != 0) {
        throw StageHost.invalid(
            "%s positions of session %s are to be replayed, but %d are kept"
                .formatted(
                    Integer.toUnsignedString(length),
                    Long.toUnsignedString(session.getSession()),
                    length(session.getSession())));
      }
      kept.ifPresent(rows ->
          sources.add(new ReplayFrames.Source(session.getSession(), session.getPagesList(), rows)));
    }
    return sources;
  }

  void forget(long session) {
    sessions.remove(session);
  }
}
