package org.fusionc.runtime.cluster;

import io.grpc.Status;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.sampling.Logits;

/** What a run's thread hears; times are of the nano clock. */
sealed interface Event {
  /** A frame was submitted. */
  record Submitted(Frame frame, int[] enough, CompletableFuture<List<Logits>> done, long at)
      implements Event {}

  /** A session ended. */
  record Forgotten(long session) implements Event {}

  /** A stage said something. */
  record Heard(StageLink link, DriveEvent event, long at) implements Event {}

  /** A stage's stream ended. */
  record LinkEnded(StageLink link, Status status) implements Event {}

  /** The stream of frames to the first stage ended. */
  record FramesEnded(FrameStream stream, Status status) implements Event {}

  /** The broker has news of the deployment. */
  record Changed(DeploymentState state) implements Event {}

  /** The deployment is no more; its peers may go on serving what they hold for a while. */
  record Removed() implements Event {}

  /** The run shall end. */
  record Close() implements Event {}
}
