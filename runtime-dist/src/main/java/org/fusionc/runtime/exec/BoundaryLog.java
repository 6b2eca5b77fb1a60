package org.fusionc.runtime.exec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;

/**
 * Keeps, for each stage and session, the rows that entered the stage, so that a stage whose cache
 * was lost can be fed them again: the frame that {@link #replay} gives rebuilds the session's
 * cache, and what follows is the same as if nothing had happened. Rows are kept by position; a
 * position that comes again replaces the older row.
 */
public final class BoundaryLog {
  private record Key(int stage, long session) {}

  /** What one frame brought for a session: rows for positions from {@code start} on. */
  private record Rows(int start, int count, Map<String, Tensor> tensors) {}

  private final Map<Key, List<Rows>> kept = new ConcurrentHashMap<>();

  /** Keeps the rows of a frame that is about to enter a stage. */
  void record(int stage, Frame frame) {
    var batch = frame.batch();
    for (int row = 0; row < frame.sessions().size(); row++) {
      int first = 0;
      while (first < batch.tokens() && batch.sequence()[first] != row) {
        first++;
      }
      int end = first;
      while (end < batch.tokens() && batch.sequence()[end] == row) {
        end++;
      }
      if (end == first) {
        continue;
      }
      var tensors = new LinkedHashMap<String, Tensor>();
      for (var entry : frame.tensors().entrySet()) {
        var tensor = entry.getValue();
        // Only what has a row per token can matter to a cache.
        if (!tensor.shape().isEmpty() && tensor.shape().getFirst() == batch.tokens()) {
          tensors.put(entry.getKey(), rows(tensor, first, end));
        }
      }
      int start = batch.position()[first];
      var key = new Key(stage, frame.sessions().get(row));
      var all = kept.computeIfAbsent(key, k -> new ArrayList<>());
      synchronized (all) {
        all.removeIf(rows -> rows.start >= start);
        all.add(new Rows(start, end - first, tensors));
      }
    }
  }

  private static Tensor rows(Tensor tensor, int from, int to) {
    long row = tensor.data().byteSize() / tensor.shape().getFirst();
    var shape = new ArrayList<>(tensor.shape());
    shape.set(0, (long) (to - from));
    return new Tensor(tensor.dtype(), shape, tensor.data().asSlice(from * row, (to - from) * row));
  }

  /**
   * The frame that rebuilds a session's cache on a stage: all its tokens so far, in order.
   *
   * @param pages where the rebuilt cache shall lie
   * @return empty if nothing of the session ever entered the stage
   */
  public Optional<Frame> replay(int stage, long session, int... pages) {
    var all = kept.get(new Key(stage, session));
    if (all == null) {
      return Optional.empty();
    }
    List<Rows> parts;
    synchronized (all) {
      parts = List.copyOf(all);
    }
    int tokens = parts.stream().mapToInt(Rows::count).sum();
    var tensors = new LinkedHashMap<String, Tensor>();
    for (var name : parts.getFirst().tensors.keySet()) {
      tensors.put(name, joined(parts.stream().map(p -> p.tensors.get(name)).toList(), tokens));
    }
    var batch = Batch.single(parts.getFirst().start, tokens, pages);
    return Optional.of(new Frame(List.of(session), batch, tensors));
  }

  private static Tensor joined(List<Tensor> parts, long tokens) {
    long bytes = parts.stream().mapToLong(p -> p.data().byteSize()).sum();
    MemorySegment memory = Arena.ofAuto().allocate(bytes, 64);
    long at = 0;
    for (var part : parts) {
      MemorySegment.copy(part.data(), 0, memory, at, part.data().byteSize());
      at += part.data().byteSize();
    }
    var shape = new ArrayList<>(parts.getFirst().shape());
    shape.set(0, tokens);
    return new Tensor(parts.getFirst().dtype(), shape, memory);
  }

  /** Forgets a session that has ended. */
  public void forget(long session) {
    kept.keySet().removeIf(key -> key.session == session);
  }
}
