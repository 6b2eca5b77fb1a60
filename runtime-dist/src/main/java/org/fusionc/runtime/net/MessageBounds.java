package org.fusionc.runtime.net;

import static java.util.Map.entry;

import com.google.protobuf.Descriptors.FieldDescriptor;
import java.util.Map;

/**
 * How many elements of each repeated field a message may hold, in all of its parts together. An
 * element takes two bytes on the way and perhaps a hundred as an object, so that the size of a
 * message alone does not bound what becomes of it. These are not what makes a message right, which
 * is for whoever takes it to say; they are what no right one comes near.
 */
public final class MessageBounds {
  /** Sequences, tokens and outputs of a frame. */
  public static final int FRAME_ROWS = 4096;

  /** Sessions of a run. */
  public static final int RUN_SESSIONS = 1 << 16;

  /** Digests that are asked for in one message. */
  private static final int DIGESTS = 1 << 16;

  /** Pages of all sessions that one message is about. */
  private static final int PAGES = 1 << 20;

  private static final int PEERS = 4096;
  private static final int STAGES = 1024;

  /** Of everything that is there once for each stage at each peer. */
  private static final int SEGMENTS = 1 << 16;

  /** Fields that a later version might add. */
  static final int UNKNOWN = 64;

  /** A field that is not here may not be repeated at all. */
  private static final Map<String, Integer> MOST =
      Map.ofEntries(
          entry("Activation.sequences", FRAME_ROWS),
          entry("Activation.outputs", FRAME_ROWS),
          entry("Activation.best", FRAME_ROWS),
          entry("Activation.logits", FRAME_ROWS),
          entry("Activation.tensors", 256),
          entry("WireTensor.shape", 256 * 8),
          entry("Sequence.pages", PAGES),
          entry("BestLogits.ids", 1 << 24),
          entry("BestLogits.values", 1 << 24),
          entry("Replay.sessions", RUN_SESSIONS),
          entry("ReplaySession.pages", PAGES),
          entry("Forget.sessions", 4 * RUN_SESSIONS),
          entry("BlobStatRequest.digests", DIGESTS),
          entry("BlobStatReply.blobs", DIGESTS),
          entry("PeerReport.segments", STAGES),
          entry("PeerReport.links", PEERS),
          entry("Speed.flops", 16 * PEERS),
          entry("PeerOrders.segments", STAGES),
          entry("PeerOrders.probes", PEERS),
          entry("PeerOrders.tokens", 1 << 16),
          entry("Segment.sources", SEGMENTS),
          entry("DeploymentView.stages", SEGMENTS),
          entry("StageHolders.holders", SEGMENTS),
          entry("RunReport.route", SEGMENTS),
          entry("RunReport.recoveries", SEGMENTS),
          entry("ClusterStatus.peers", PEERS),
          entry("ClusterStatus.links", 1 << 18),
          entry("ClusterStatus.deployments", STAGES),
          entry("ClusterStatus.runs", SEGMENTS),
          entry("ClusterStatus.recent_recoveries", SEGMENTS),
          entry("PeerStatus.segments", SEGMENTS));

  /** Who sends a message. */
  enum Sender {
    CALLER,
    SERVER
  }

  private MessageBounds() {}

  /** How many elements of a repeated field one message may hold. */
  static int most(FieldDescriptor field, Sender sender) {
    String name = name(field);
    // Logits are results, and those go back to whoever has called.
    return sender == Sender.CALLER && name.equals("Activation.logits")
        ? 0
        : MOST.getOrDefault(name, 0);
  }

  static String name(FieldDescriptor field) {
    return field.getContainingType().getName() + "." + field.getName();
  }
}
