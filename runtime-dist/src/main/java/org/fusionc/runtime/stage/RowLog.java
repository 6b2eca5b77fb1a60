package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.wire.Port;
import org.jspecify.annotations.Nullable;

/**
 * The rows that a stage has sent on, as they were encoded, per session and tensor: what the next
 * stage is fed if it loses its cache. Rows that come again at a position replace those there and
 * forget those after. Not for several threads; what {@link #kept} gives may be read by others,
 * since rows that come again are the same.
 *
 * <p>A session has as many rows as positions, and these lie in the run's pages, so that the pages
 * bound the memory.
 */
final class RowLog {
  /** A session's rows at one moment: position p's row begins at byte {@code p · rowBytes}. */
  record Kept(int length, Map<String, MemorySegment> columns, Map<String, ByteString> fixed) {
    /** A tensor's rows from one position up to another. */
    ByteString rows(Port port, int from, int to) {
      return switch (port.rows()) {
        case OUTPUT -> ByteString.EMPTY;
        case FIXED -> fixed.getOrDefault(port.name(), ByteString.EMPTY);
        case TOKEN -> {
          var column = columns.get(port.name());
          long bytes = port.rowBytes();
          yield column == null
              ? ByteString.EMPTY
              : UnsafeByteOperations.unsafeWrap(buffer(column, from * bytes, (to - from) * bytes));
        }
      };
    }

    private static ByteBuffer buffer(MemorySegment column, long from, long bytes) {
      return column.asSlice(from, bytes).asByteBuffer();
    }
  }

  private static final class Rows {
    final Map<String, MemorySegment> columns = new LinkedHashMap<>();
    int length;
  }

  private final List<Port> ports;
  private final Map<Long, Rows> sessions = new HashMap<>();
  private final Map<String, ByteString> fixed = new HashMap<>();

  RowLog(List<Port> ports) {
    this.ports = ports;
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
        long bytes = port.rowBytes();
        var column = grown(rows.columns.get(port.name()), start * bytes, (start + count) * bytes);
        var from = MemorySegment.ofBuffer(encoded.get(i).asReadOnlyByteBuffer());
        MemorySegment.copy(from, first * bytes, column, start * bytes, count * bytes);
        rows.columns.put(port.name(), column);
      } else if (port.rows() == Port.Rows.FIXED) {
        fixed.put(port.name(), encoded.get(i));
      }
    }
    rows.length = start + count;
  }

  private static MemorySegment grown(@Nullable MemorySegment column, long used, long needed) {
    if (column != null && needed <= column.byteSize()) {
      return column;
    }
    long size = column == null ? needed : Math.max(needed, 2 * column.byteSize());
    var larger = Arena.ofAuto().allocate(size, 64);
    if (column != null) {
      MemorySegment.copy(column, 0, larger, 0, Math.min(used, column.byteSize()));
    }
    return larger;
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
        : Optional.of(new Kept(length, Map.copyOf(rows.columns), Map.copyOf(fixed)));
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
