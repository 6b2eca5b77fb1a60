package org.fusionc.runtime.stage;

/**
 * What a segment has to do.
 *
 * @param runs that use it now
 * @param freePages pages of its cache that no run has reserved
 * @param queued frames that wait
 * @param busy the share of the last second in which it computed, 0 to 1
 * @param nanosPerToken recent, of frames that decode; 0 if unknown
 */
public record SegmentLoad(int runs, int freePages, int queued, double busy, double nanosPerToken) {}
