package org.fusionc.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The type of a value. */
public sealed interface Type {

  /** A tensor: {@code f32[T, 2048]}; a scalar is {@code f32[]}. */
  record Tensor(DType dtype, List<Dim> dims) implements Type {
    public Tensor {
      dims = List.copyOf(dims);
    }

    public int rank() {
      return dims.size();
    }

    /** Dimension {@code i}; negative counts from the end. */
    public Dim dim(int i) {
      return dims.get(i < 0 ? i + dims.size() : i);
    }

    /** The number of elements. */
    public Dim size() {
      return Dim.product(dims);
    }

    public boolean isStatic() {
      return dims.stream().allMatch(Dim::isStatic);
    }

    public Tensor withDtype(DType other) {
      return new Tensor(other, dims);
    }

    public Tensor withDims(List<Dim> other) {
      return new Tensor(dtype, other);
    }

    /** The same but for the last dimension; there is one. */
    public Tensor withLast(Dim last) {
      var all = new ArrayList<>(dims);
      all.set(all.size() - 1, last);
      return withDims(all);
    }

    @Override
    public String toString() {
      return dtype + dims.stream().map(Dim::toString).collect(Collectors.joining(", ", "[", "]"));
    }
  }

  /**
   * The KV cache of one attention layer, as a state value: {@code kv<heads, key dim, value dim,
   * dtype>}. It holds, for every sequence, a key and a value row per head and position.
   */
  record Kv(long heads, long keyDim, long valueDim, DType dtype) implements Type {
    @Override
    public String toString() {
      return "kv<%d, %d, %d, %s>".formatted(heads, keyDim, valueDim, dtype);
    }
  }

  /**
   * A ragged batch: for each of {@code tokens} flat tokens its sequence and its position in it, and
   * the {@code outputs} rows whose results are wanted.
   */
  record Batch(Dim tokens, Dim outputs) implements Type {
    @Override
    public String toString() {
      return "batch<%s, %s>".formatted(tokens, outputs);
    }
  }

  /** The type of an op with several results; its values are taken by {@link Result}. */
  record Tuple(List<Type> parts) implements Type {
    public Tuple {
      parts = List.copyOf(parts);
    }

    @Override
    public String toString() {
      return parts.stream().map(Type::toString).collect(Collectors.joining(", ", "(", ")"));
    }
  }

  static Tensor tensor(DType dtype, Dim... dims) {
    return new Tensor(dtype, Arrays.asList(dims));
  }

  static Tensor tensor(DType dtype, long... dims) {
    return new Tensor(dtype, Arrays.stream(dims).mapToObj(Dim::of).toList());
  }

  static Tensor tensor(DType dtype, List<Dim> dims) {
    return new Tensor(dtype, dims);
  }

  /** Whether the value lives from one run to the next, rather than being computed anew. */
  default boolean isState() {
    return this instanceof Kv;
  }
}
