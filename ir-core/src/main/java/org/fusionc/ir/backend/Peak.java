package org.fusionc.ir.backend;

import java.util.Map;

/**
 * What a device can do at most, measured: what the speed of its kernels is held against.
 *
 * @param readBandwidth bytes per second that all threads read together from memory
 * @param operations operations per second of products with weights, by what the products are
 *     computed in: {@code f32}, {@code f16}, {@code bf16}, {@code int8}; a fused multiply and add
 *     are two
 */
public record Peak(double readBandwidth, Map<String, Double> operations) {
  public Peak {
    operations = Map.copyOf(operations);
  }
}
