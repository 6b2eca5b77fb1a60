package org.fusionc.broker.state;

import java.util.List;

/**
 * A segment that a peer shall hold.
 *
 * @param serving whether it is the stage's first holder; otherwise it stands by
 * @param sources addresses of other peers that hold the stage's blobs
 */
public record Order(
    SegmentKey key,
    String manifest,
    String plan,
    StageNeed need,
    int pages,
    int pageTokens,
    boolean serving,
    List<String> sources) {}
