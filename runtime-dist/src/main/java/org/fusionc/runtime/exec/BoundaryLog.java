package org.fusionc.runtime.exec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/**
 * Keeps, for each stage and session, the rows that entered the stage, so that a stage whose cache
 * was lost can be fed them again: the frame that {@link #replay} gives rebuilds the session's
 * cache, and what follows is the same as if nothing had happened. Rows are kept by position; a
 * position that comes again replaces the older row and those after it.
 */
public final class BoundaryLog {
  private record Key(int stage, long session) {}

  private final Map<Key, Rows> kept = new ConcurrentHashMap<>();

  /**
   * Keeps the rows of a frame that is about to enter a stage.
   *
   * @param perToken the stage's inputs that have a row per token; no others can matter to a cache
   */
  void record(int stage, Set<String> perToken, Frame frame) {
    var batch = frame.batch();
    int end = 0;
    for (int first = 0; first < batch.tokens(); first = end) {
      int row = batch.sequence()[first];
      end = first;
      while (end < batch.tokens() && batch.sequence()[end] == row) {
        end++;
      }
      var key = new Key(stage, frame.sessions().get(row));
      var rows = kept.computeIfAbsent(key, k -> new Rows());
      rows.put(frame, perToken, first, end);
    }
  }

  /**
   * The frame that rebuilds a session's cache on a stage: all its tokens so far, in order, and no
   * output wanted.
   *
   * @param pages where the rebuilt cache shall lie
   * @return empty if nothing of the session ever entered the stage
   */
  public Optional<Frame> replay(int stage, long session, int... pages) {
    return Optional.ofNullable(kept.get(new Key(stage, session)))
        .map(rows -> rows.frame(session, pages));
  }

  /** Forgets a session that has ended. */
  public void forget(long session) {
    kept.keySet().removeIf(key -> key.session == session);
  }

  /** A session's rows on one stage: position p's are row p of each column. */
  private static final class Rows {
    private final Map<String, Column> columns = new LinkedHashMap<>();
    private int length;

    synchronized void put(Frame frame, Set<String> perToken, int first, int end) {
      int start = frame.batch().position()[first];
      for (var entry : frame.tensors().entrySet()) {
        var column = columns.computeIfAbsent(entry.getKey(), k -> new Column(entry.getValue()));
        if (perToken.contains(entry.getKey())) {
          column.put(entry.getValue(), first, end, start);
        }
      }
      length = start + end - first;
    }

    synchronized Frame frame(long session, int[] pages) {
      var position = new int[length];
      for (int i = 0; i < length; i++) {
        position[i] = i;
      }
      var batch = new Batch(new int[length], position, new int[0], List.of(pages));
      var tensors = new LinkedHashMap<String, Tensor>();
      columns.forEach((name, column) -> tensors.put(name, column.tensor(length)));
      return new Frame(List.of(session), batch, tensors);
    }
  }

  /** The rows of one tensor, in memory that grows. One that has no rows per token stays empty. */
  private static final class Column {
    private final DType dtype;
    private final List<Long> shape;
    private final long rowBytes;
    private MemorySegment memory = MemorySegment.NULL;
    private boolean used;

    Column(Tensor like) {
      dtype = like.dtype();
      shape = like.shape();
      rowBytes = shape.getFirst() == 0 ? 0 : like.data().byteSize() / shape.getFirst();
    }

    void put(Tensor tensor, int first, int end, int position) {
      used = true;
      long needed = (position + end - first) * rowBytes;
      if (needed > memory.byteSize()) {
        var larger = Arena.ofAuto().allocate(Math.max(needed, 2 * memory.byteSize()), 64);
        larger.copyFrom(memory);
        memory = larger;
      }
      MemorySegment.copy(
          tensor.data(), first * rowBytes, memory, position * rowBytes, (end - first) * rowBytes);
    }

    Tensor tensor(long length) {
      long rows = used ? length : 0;
      var rowsShape = new ArrayList<>(shape);
      rowsShape.set(0, rows);
      var copy = Arena.ofAuto().allocate(Math.max(1, rows * rowBytes), 64);
      var data = copy.asSlice(0, rows * rowBytes);
      data.copyFrom(memory.asSlice(0, rows * rowBytes));
      return new Tensor(dtype, rowsShape, data);
    }
  }
}
